// A run whose jobs may fail: it goes on with the others, which are drawn as if nothing had failed.

#include "job/run.h"

#include <gtest/gtest.h>

#include <map>
#include <new>

#include "support/small_pipeline.h"

namespace sd::test {
using namespace job;

namespace {

constexpr int64_t kJobs = 3;
constexpr int64_t kTooLarge = 1;  // the job that finds no memory

/// Three jobs of a picture each.
class Jobs final : public JobSource {
 public:
  std::optional<Job> take() override {
    if (next_ == kJobs || stopped()) return std::nullopt;
    return Job{.number = static_cast<size_t>(next_),
               .block = 0,
               .places = {next_++},
               .request = small_request(1, 64)};
  }
  bool go_on_without(const Job& job, const Error& error) override {
    EXPECT_EQ(job.places, std::vector<int64_t>{kTooLarge});
    EXPECT_EQ(error.kind(), ErrorKind::kDevice);
    ++failed_;
    return true;
  }
  size_t size() const override { return kJobs; }
  int64_t pictures() const override { return kJobs - failed_; }
  int64_t failed_lines() const override { return failed_; }
  int64_t current() const { return next_ - 1; }

 private:
  int64_t next_ = 0, failed_ = 0;
};

class Pictures final : public PictureSink {
 public:
  void add(FinishedPicture picture) override { all[picture.place] = picture.image.rgb; }
  void finish() override {}

  std::map<int64_t, std::vector<uint8_t>> all;
};

class Silent final : public Reporter {
 public:
  void notice(const std::string&) override {}
  void complaint(const std::string&) override {}
  void progress(const RunProgress&) override {}
  void wrote(const std::filesystem::path&, std::optional<int64_t>) override {}
  void end(const RunSummary&) override {}
};

TEST(Run, GoesOnWithoutAJobThatFindsNoMemory) {
  const c10::InferenceMode inference;
  const ModelOnDisk model;
  const Pipeline pipeline = Pipeline::load(model.options, cpu_policy(/*plain=*/true));
  const Settings settings(Script::kTxt2Img);
  const ChosenModel chosen;
  Jobs jobs;
  Pictures pictures;
  SinkThread writer(&pictures, /*most=*/0);
  OrderedOutput output(&writer, /*recorder=*/nullptr);
  Silent reporter;
  const RunInputs inputs{.settings = settings,
                         .model = chosen,
                         .jobs = jobs,
                         .load = {},
                         .workers = {},
                         .tap = [&](const std::string& name, const at::Tensor&) {
                           if (name == "unet_eps" && jobs.current() == kTooLarge) {
                             throw std::bad_alloc();
                           }
                         }};
  const RunOutcome outcome = run_on(pipeline, inputs, &output, &reporter);
  EXPECT_EQ(outcome.error, nullptr);
  EXPECT_EQ(outcome.bad_lines, 1);
  EXPECT_EQ(outcome.drawn, 2);
  ASSERT_EQ(pictures.all.size(), 2U);
  EXPECT_EQ(pictures.all.at(0), pictures.all.at(2));  // of one request
}

}  // namespace
}  // namespace sd::test
