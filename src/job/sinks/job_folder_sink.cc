#include <utility>

#include "job/saved_picture.h"
#include "job/sinks/sinks.h"

namespace sd {
namespace {

class JobSink final : public PictureSink {
 public:
  explicit JobSink(const SinkInputs& inputs) : inputs_(inputs) {}

  void add(FinishedPicture picture) override {
    const Settings& settings = inputs_.settings;
    const Image saved =
        saved_picture(std::move(picture.image), watermark_of(settings), settings.output.save_size);
    const std::filesystem::path path = inputs_.job->names().picture(picture.place);
    // A file that is there is as good: another process draws this shard, too.
    inputs_.job->write(path, encode_saved(saved, picture.record, settings.output));
    if (settings.job.retry_failed) inputs_.job->forgive(picture.place);
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

}  // namespace sd
