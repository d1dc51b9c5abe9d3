// `sd devices`, and what is said where a card cannot be used: on this machine, and with a driver
// that tells of cards which are not there.

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "support/variable.h"

namespace sd::test {

namespace {

/// The program under the driver of support/fake_driver.cc, which tells that story.
class FakeDriver {
 public:
  explicit FakeDriver(const char* story) : story_("SD_FAKE_DRIVER", story) {}

 private:
  Variable story_;
  Variable place_ = {"LD_LIBRARY_PATH", SD_FAKE_DRIVER_DIR};
};

TEST(Devices, ListsTheProcessor) {
  const Finished text = run({"devices"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.out.rfind("cpu: ", 0), 0U) << text.out;
  EXPECT_NE(text.out.find("\ncuda"), std::string::npos) << text.out;
  const auto json = nlohmann::json::parse(run({"devices", "--json"}).out);
  EXPECT_GE(json.at("cpu").at("threads").get<int>(), 1);
  EXPECT_GT(json.at("cpu").at("total_bytes").get<uint64_t>(), uint64_t{1} << 28);
  EXPECT_TRUE(json.at("cuda").at("devices").is_array());
}

TEST(Devices, SaysWhyThereIsNoCard) {
  const FakeDriver driver("no-card");
  EXPECT_NE(run({"devices"}).out.find("\ncuda: the driver shows no GPU\n"), std::string::npos);
}

TEST(Devices, ListsTheCardsOfADriverThatIsTooOld) {
  const FakeDriver driver("old");
  const Finished text = run({"devices"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(
      text.out.find("\ncuda:0: Card \\x1B[31mA, compute capability 8.9, 10.0 GiB, 9.0 GiB free\n"
                    "cuda:1: Card B, compute capability 9.0, 80.0 GiB\n"
                    "cuda: the driver is for CUDA 12.4, and LibTorch needs 13.0: driver 580 or "
                    "newer, from https://www.nvidia.com/drivers or the system's packages\n"),
      std::string::npos)
      << text.out;
  const auto json = nlohmann::json::parse(run({"devices", "--json"}).out);
  EXPECT_EQ(json.at("auto"), "cpu");
  EXPECT_EQ(json.at("cuda").at("devices").size(), 2U);
  EXPECT_EQ(json.at("cuda").at("devices")[0].at("free_bytes").get<uint64_t>(), uint64_t{9} << 30);
  EXPECT_EQ(json.at("cuda").at("driver"), 12040);
}

TEST(Devices, ACardThatCannotBeHadIsAnErrorAndAutoGoesOn) {
  const FakeDriver driver("old");
  const TempFolder folder;
  const std::vector<std::string> draw = {"txt2img",
                                         "--outdir",
                                         folder.path().string(),
                                         "--prompt",
                                         "a red circle",
                                         "--ddim_steps",
                                         "1",
                                         "--n_samples",
                                         "1",
                                         "--n_iter",
                                         "1"};
  auto on_card = draw;
  on_card.insert(on_card.end(), {"--device", "cuda:1"});
  const Finished refused = run(on_card);
  EXPECT_EQ(refused.exit_code, 5) << refused.err;
  EXPECT_NE(refused.err.find("--device cuda:1 cannot be used: the driver is for CUDA 12.4"),
            std::string::npos)
      << refused.err;
  const Finished drawn = run(draw);
  EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_NE(drawn.err.find("device: cpu"), std::string::npos);
  EXPECT_NE(drawn.err.find("; not on Card \\x1B[31mA: the driver is for CUDA 12.4"),
            std::string::npos)
      << drawn.err;
}

/// `sd devices --json` where the environment holds that.
nlohmann::json devices_under(const char* name, const char* value) {
  const Variable variable(name, value);
  const Finished found = run({"devices", "--json"});
  EXPECT_EQ(found.exit_code, 0) << found.err;
  return nlohmann::json::parse(found.out);
}

TEST(Devices, CountsTheProcessorsOfABoundProgram) {
  const auto usable = nlohmann::json::parse(run({"devices", "--json"}).out)["cpu"]["usable_cpus"];
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"OMP_PROC_BIND", "true"},
                                                                  {"OMP_PROC_BIND", "close"},
                                                                  {"OMP_PROC_BIND", "spread"},
                                                                  {"OMP_PLACES", "cores"},
                                                                  {"OMP_PLACES", "{0}"},
                                                                  {"GOMP_CPU_AFFINITY", "0"}}) {
    EXPECT_EQ(devices_under(name, value)["cpu"]["usable_cpus"], usable) << name << "=" << value;
  }
}

TEST(Devices, HeedsOpenMpsNumberOfThreads) {
  EXPECT_EQ(devices_under("OMP_NUM_THREADS", "1")["cpu"]["threads"], 1);
  EXPECT_EQ(devices_under("OMP_NUM_THREADS", "7")["cpu"]["threads"], 7);
  const Variable threads("OMP_NUM_THREADS", "1");
  const std::string text = run({"devices"}).out;
  EXPECT_EQ(text.rfind("cpu: 1 thread (OMP_NUM_THREADS), ", 0), 0U) << text;
}

/// What readelf says of a file's dynamic section; empty where it is not installed.
std::string dynamic_section(const std::string& file) {
  const TempFolder folder;
  const std::string out = (folder / "needed").string();
  if (std::system(("readelf -d '" + file + "' > '" + out + "'").c_str()) != 0) return "";
  return read_file(out);
}

TEST(Devices, NoLibraryIsLookedForInTheCurrentFolder) {
  std::vector<std::string> files = {SD_PROGRAM};
  const auto kernels = std::filesystem::path(SD_PROGRAM).replace_filename("libsd_cuda.so");
  if (std::filesystem::exists(kernels)) files.push_back(kernels.string());
  for (const std::string& file : files) {
    const std::string section = dynamic_section(file);
    if (section.empty()) GTEST_SKIP() << "readelf is not installed";
    EXPECT_EQ(section.find("(RPATH)"), std::string::npos);
    const size_t begin = section.find("Library runpath: [");
    ASSERT_NE(begin, std::string::npos) << section;
    const std::string list = section.substr(begin + 18, section.find(']', begin) - begin - 18);
    std::istringstream elements(list + ":");
    for (std::string element; std::getline(elements, element, ':');) {
      const bool fixed = element.rfind("/", 0) == 0 || element.rfind("$ORIGIN", 0) == 0;
      EXPECT_TRUE(fixed) << "'" << element << "' in " << list << " of " << file;
    }
  }
}

TEST(Devices, ADriverInTheCurrentFolderIsNotTaken) {
  const Finished elsewhere = run({"devices"});
  const Variable story("SD_FAKE_DRIVER", "old");
  const Finished there = run({"devices"}, "", SD_FAKE_DRIVER_DIR);
  EXPECT_EQ(lines_of(there.out).size(), lines_of(elsewhere.out).size()) << there.out;
  EXPECT_EQ(there.out.find("Card B"), std::string::npos) << there.out;
}

TEST(Devices, TheProgramIsLinkedWithNothingThatNeedsADriver) {
  const std::string libraries = dynamic_section(SD_PROGRAM);
  if (libraries.empty()) GTEST_SKIP() << "readelf is not installed";
  EXPECT_NE(libraries.find("[libtorch_cpu.so]"), std::string::npos);
  for (const char* name : {"libtorch_cuda", "libc10_cuda", "libsd_cuda", "libcuda.so"}) {
    EXPECT_EQ(libraries.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace sd::test
