#include <utility>

#include "job/saved_picture.h"
#include "job/sinks/sinks.h"
#include "job/writable_folder.h"

namespace sd::job {
namespace {

class JobSink final : public PictureSink {
 public:
  explicit JobSink(const SinkInputs& inputs) : inputs_(inputs) {
    check_writable(inputs.job->names().picture(0).parent_path(), "job");
  }

  void add(FinishedPicture picture) override {
    const std::filesystem::path path = inputs_.job->names().picture(picture.place);
    // A file that is there is as good: another process draws this shard, too.
    inputs_.job->write(path,
                       encode_saved(std::move(picture.image), picture.record, inputs_.settings));
    if (inputs_.settings.job.retry_failed) inputs_.job->forgive(picture.place);
    inputs_.reporter->wrote(path, picture.place);
  }

  void finish() override {}

 private:
  SinkInputs inputs_;
};

}  // namespace

std::unique_ptr<PictureSink> open_job_sink(const SinkInputs& inputs) {
  return std::make_unique<JobSink>(inputs);
}

}  // namespace sd::job
