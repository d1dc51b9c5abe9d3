// What a run tells programs: lines of JSON, to readers that are slow or gone.

#include "cli/reporters.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "support/expect_error.h"

namespace sd::test {
using namespace cli;
using namespace job;

namespace {

using nlohmann::json;

class JsonReports : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe2(ends_, O_CLOEXEC), 0); }
  void TearDown() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  /// All that was written so far, a value a line.
  std::vector<json> told() {
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    std::string text;
    char block[4096];
    for (ssize_t count = 0; (count = ::read(ends_[0], block, sizeof block)) > 0;) {
      text.append(block, static_cast<size_t>(count));
    }
    std::vector<json> all;
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      all.push_back(json::parse(text.substr(at, end - at)));
      at = end + 1;
    }
    return all;
  }

  static RunProgress sampled(int step) {
    return {.event = {.stage = Stage::kSample, .step = step, .total = 50, .seconds = 1},
            .batch = 1,
            .batches = 2,
            .drawn = 3,
            .pictures = 6,
            .seconds_left = 2.5};
  }

  int ends_[2] = {-1, -1};
};

TEST_F(JsonReports, TellWhatHappens) {
  JsonReporter reporter(ends_[1]);
  reporter.notice("a \"word\"");
  reporter.complaint("line 3");
  reporter.progress(sampled(7));
  reporter.wrote("out/caf\xe9.png", 4);
  reporter.wrote("out/grid.png", std::nullopt);
  reporter.end({.drawn = 5, .left = 1, .failed = 2, .why = "stopped"});
  const std::vector<json> expected = {
      {{"event", "notice"}, {"text", "a \"word\""}},
      {{"event", "complaint"}, {"text", "line 3"}},
      {{"event", "progress"},
       {"stage", "sample"},
       {"step", 7},
       {"steps", 50},
       {"batch", 1},
       {"batches", 2},
       {"picture", 4},
       {"pictures", 6},
       {"seconds_left", 2.5}},
      {{"event", "picture"}, {"picture", 5}, {"path", "out/caf\ufffd.png"}},
      {{"event", "grid"}, {"path", "out/grid.png"}},
      {{"event", "end"}, {"drawn", 5}, {"left", 1}, {"failed", 2}, {"why", "stopped"}}};
  EXPECT_EQ(told(), expected);
}

TEST_F(JsonReports, TellEachStepOnce) {
  JsonReporter reporter(ends_[1]);
  for (const int step : {0, 0, 1, 1, 1, 2}) reporter.progress(sampled(step));
  EXPECT_EQ(told().size(), 3U);
}

TEST_F(JsonReports, OutliveTheirReader) {
  JsonReporter reporter(ends_[1]);
  ::close(ends_[0]);
  for (int i = 0; i < 3; ++i) reporter.notice("nobody reads this");
  reporter.progress(sampled(1));
  ends_[0] = ::dup(ends_[1]);
}

TEST_F(JsonReports, DoNotWaitForASlowReader) {
  JsonReporter reporter(ends_[1]);
  for (int step = 0; step < 10'000; ++step) reporter.progress(sampled(step));
  const size_t lines = told().size();
  EXPECT_GT(lines, 10U);
  EXPECT_LT(lines, 10'000U);
}

TEST_F(JsonReports, NeedADescriptorThatIsOpenForWriting) {
  for (const int descriptor : {-1, 1'000'000, ends_[0]}) {
    expect_error(ErrorKind::kUsage, "is not open for writing",
                 [&] { JsonReporter reporter(descriptor); });
  }
}

TEST(Log, GoesToTheReporterWithFlagsForSettings) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  JsonReporter reporter(ends[1]);
  {
    const LogToReporter log(&reporter);
    complain("`steps` is wrong");
  }
  char text[200];
  const ssize_t count = ::read(ends[0], text, sizeof text);
  EXPECT_EQ(std::string(text, static_cast<size_t>(std::max<ssize_t>(count, 0))),
            "{\"event\":\"complaint\",\"text\":\"--ddim_steps is wrong\"}\n");
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace sd::test
