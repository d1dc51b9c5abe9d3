// --progress-fd: what other programs are told of a run.

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/events.h"
#include "cli/run_program.h"
#include "cli/small_model.h"

namespace sd::test {

namespace {

using nlohmann::json;

/// The events of a run, by a shell that opens descriptor 3.
std::vector<json> events_of(const TempFolder& folder, const std::string& arguments,
                            int* exit_code = nullptr) {
  const std::string file = (folder / "events").string();
  const std::string command = std::string(SD_PROGRAM) + " " + arguments + " --progress-fd 3 3>" +
                              file + " >" + (folder / "out").string() + " 2>" +
                              (folder / "err").string();
  const int status = std::system(command.c_str());
  if (exit_code != nullptr) *exit_code = WEXITSTATUS(status);
  std::vector<json> events;
  for (const std::string& line : lines_of(read_file(file))) events.push_back(json::parse(line));
  return events;
}

TEST(ProgressFd, TellsStepsPicturesAndTheEnd) {
  const TempFolder folder;
  const std::string outdir = (folder / "o").string();
  const auto events = events_of(
      folder, "txt2img --prompt x --ddim_steps 4 --n_samples 1 --n_iter 2 -q --outdir " + outdir);
  const auto pictures = of_kind(events, "picture");
  ASSERT_EQ(pictures.size(), 2U);
  EXPECT_EQ(pictures[1].at("path"), outdir + "/samples/00001.png");
  EXPECT_EQ(pictures[1].at("picture"), 2);
  EXPECT_EQ(of_kind(events, "grid").size(), 1U);
  const auto steps = of_kind(events, "progress");
  ASSERT_GT(steps.size(), 8U);
  bool estimated = false;
  for (const json& event : steps) {
    EXPECT_EQ(event.at("batches"), 2);
    estimated = estimated || event.at("seconds_left").is_number();
  }
  EXPECT_TRUE(estimated);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back(),
            json({{"event", "end"}, {"drawn", 2}, {"left", 0}, {"failed", 0}, {"why", ""}}));
}

TEST(ProgressFd, TellsWhyARunFailed) {
  const TempFolder folder;
  int exit_code = 0;
  const auto events = events_of(folder, "txt2img --H 65", &exit_code);
  EXPECT_EQ(exit_code, 2);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().at("event"), "end");
  EXPECT_NE(events.back().at("why").get<std::string>().find("--H must be"), std::string::npos);
}

TEST(ProgressFd, MustBeOpen) {
  // 2^32 + 2 is not stderr.
  expect_failure(run({"txt2img", "--progress-fd", "4294967298"}), 2,
                 "--progress-fd 4294967298 is not open for writing");
  const Finished refused = run({"txt2img", "--progress-fd", "77"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("--progress-fd 77 is not open for writing"), std::string::npos)
      << refused.err;
}

}  // namespace
}  // namespace sd::test
