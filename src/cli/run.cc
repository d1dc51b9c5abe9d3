#include "cli/run.h"

#include <cstdio>
#include <map>
#include <optional>

#include "base/log.h"
#include "base/new_file.h"
#include "base/strings.h"
#include "base/version.h"
#include "cli/batch_plan.h"
#include "cli/file_hash.h"
#include "cli/interrupt.h"
#include "cli/model_choice.h"
#include "cli/output_writer.h"
#include "cli/picture_record.h"
#include "cli/profile_table.h"
#include "cli/progress_bar.h"
#include "cli/safety_choice.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd {
namespace {

OutputWriter::Settings output_settings(const RunOptions& options) {
  OutputWriter::Settings settings;
  settings.outdir = options.outdir_given ? options.outdir : default_outdir(options);
  settings.save_samples = !options.skip_save;
  settings.save_grid = !options.skip_grid;
  settings.images_per_row =
      static_cast<int>(options.n_rows > 0 ? options.n_rows : options.n_samples);
  if (!options.no_watermark) settings.watermark = options.watermark;
  return settings;
}

/// Writes what says how each picture was drawn.
class Recorder {
 public:
  Recorder(const RunOptions& options, const ChosenModel& model, SafetyMode safety_mode,
           const Pipeline& pipeline)
      : options_(options),
        model_(model),
        safety_mode_(safety_mode),
        pipeline_(pipeline),
        checkpoint_hash_(model.paths.checkpoint) {}

  PictureRecord record(const PlannedBatch& batch, const Picture& picture) {
    const Request& request = batch.request;
    PictureRecord record;
    record.version = program_version();
    record.script = options_.script;
    record.picture = request.pictures[static_cast<size_t>(picture.draw.row)];
    record.width = request.width;
    record.height = request.height;
    record.sampler = request.sampler;
    record.steps = request.steps;
    record.eta = request.eta;
    record.rng = options_.rng;
    record.draw = picture.draw;
    record.own_stream = !request.seeds.empty();
    record.fixed_code = request.fixed_code;
    if (request.init_image != nullptr) record.init = init_record(batch);
    record.model = {.checkpoint = recorded_path(model_.paths.checkpoint),
                    .config = recorded_path(model_.paths.config),
                    .sha256 = checkpoint_hash_.get(),
                    .ema = pipeline_.ema(),
                    .built_in = model_.built_in};
    record.device = pipeline_.device();
    record.safety_mode = safety_mode_;
    record.safety = picture.safety;
    if (!options_.no_watermark) record.watermark = options_.watermark;
    return record;
  }

 private:
  InitRecord init_record(const PlannedBatch& batch) const {
    return {.file = recorded_path(batch.init_img),
            .pixels_sha256 = pixels_sha256(*batch.request.init_image),
            .strength = batch.request.strength,
            .fit = options_.fit,
            .exif = options_.exif};
  }

  const RunOptions& options_;
  const ChosenModel& model_;
  SafetyMode safety_mode_;
  const Pipeline& pipeline_;
  FileHash checkpoint_hash_;
};

/// Hands pictures to the writer in the order that the user asked for them.
class OrderedOutput {
 public:
  OrderedOutput(OutputWriter* writer, Recorder* recorder) : writer_(writer), recorder_(recorder) {}

  /// `place`: among all pictures of the run, from 0. `recorder` is null when no record is wanted.
  void add(int64_t place, const PlannedBatch& batch, Picture picture) {
    say_safety(place, picture.safety);
    Waiting waiting{std::move(picture.image), std::nullopt};
    if (recorder_ != nullptr) waiting.record = recorder_->record(batch, picture);
    waiting_.emplace(place, std::move(waiting));
    while (!waiting_.empty() && waiting_.begin()->first == next_) write_first();
  }

  /// Pictures that the safety checker failed on, and let not through.
  int64_t unchecked() const { return unchecked_; }

  /// Writes what waits for a picture that will not come, and the grid.
  void finish() {
    while (!waiting_.empty()) write_first();
    writer_->finish(records_.empty() ? PngMetadata() : grid_metadata(records_));
  }

 private:
  struct Waiting {
    Image image;
    std::optional<PictureRecord> record;
  };

  void say_safety(int64_t place, const SafetyOutcome& safety) {
    if (!safety.flagged() && safety.failure.empty()) return;
    const char* action = "left as it is";
    if (safety.action == SafetyAction::kBlurred) action = "blurred";
    if (safety.action == SafetyAction::kBlackened) action = "made black";
    if (safety.action == SafetyAction::kWithheld) action = "not written";
    const auto number = static_cast<long long>(place + 1);
    if (safety.failure.empty()) {
      notice(format("safety: picture %lld is flagged and %s", number, action));
      return;
    }
    ++unchecked_;
    std::fprintf(stderr, "error: safety: picture %lld could not be checked and is %s: %s\n", number,
                 action, printable(safety.failure).c_str());
  }

  void write_first() {
    auto first = waiting_.extract(waiting_.begin());
    next_ = first.key() + 1;
    Waiting& picture = first.mapped();
    if (picture.image.empty()) return;  // withheld
    writer_->add(std::move(picture.image),
                 picture.record ? metadata_of(*picture.record) : PngMetadata());
    if (picture.record) records_.push_back(std::move(*picture.record));
  }

  OutputWriter* writer_;
  Recorder* recorder_;
  std::map<int64_t, Waiting> waiting_;  // by place
  int64_t next_ = 0;
  int64_t unchecked_ = 0;
  std::vector<PictureRecord> records_;  // of the grid
};

/// Draws all batches; false if the user stopped it.
bool draw(const BatchPlan& plan, Session* session, OrderedOutput* output) {
  ProgressBar bar(ProgressBar::style_of_stderr(),
                  static_cast<int64_t>(plan.batches.size()) * plan.passes);
  const auto progress = [&](const ProgressEvent& event) {
    if (interrupted()) return false;
    bar.show(event);
    return true;
  };
  try {
    for (int64_t pass = 0; pass < plan.passes; ++pass) {
      for (const PlannedBatch& batch : plan.batches) {
        const auto on_picture = [&](Picture picture) {
          bar.clear();
          const int64_t place = batch.places[static_cast<size_t>(picture.draw.row)];
          output->add(pass * plan.pictures_per_pass + place, batch, std::move(picture));
        };
        bar.begin_batch();
        session->generate(plan.request(batch, pass), on_picture, progress);
      }
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kCancelled) throw;
    return false;
  }
  return true;
}

/// What --profile and --profile-json ask for; of a run that is stopped, too.
void report_profile(const RunOptions& options) {
  const Profile profile = current_profile();
  if (options.profile) std::fputs(profile_table(profile).c_str(), stderr);
  if (options.profile_json.empty()) return;
  NewFile file(options.profile_json);
  file.write(profile_json(profile));
  file.finish_over();
}

}  // namespace

int run_script(const RunOptions& options, const Session::Tap& tap) {
  const bool profiled = options.profile || !options.profile_json.empty();
  if (profiled) start_profile();
  const ChosenModel model = choose_model(options);
  const BatchPlan plan = plan_batches(options, model.description, model.built_in);
  const SafetyOptions safety = choose_safety(options);
  OutputWriter writer(output_settings(options));
  if (!model.note.empty()) notice(model.note);
  catch_interrupts();
  const Pipeline pipeline = Pipeline::load({.model = model.paths,
                                            .device = options.device,
                                            .safety = safety,
                                            .init_images = options.script == Script::kImg2Img,
                                            .largest = largest_batch(plan)});
  Session session = pipeline.start(options.rng, options.seed);
  session.set_tap(tap);
  std::optional<Recorder> recorder;
  if (!options.no_metadata && !(options.skip_save && options.skip_grid)) {
    recorder.emplace(options, model, safety.mode, pipeline);
  }
  OrderedOutput output(&writer, recorder ? &*recorder : nullptr);
  const bool complete = draw(plan, &session, &output);
  output.finish();
  if (profiled) report_profile(options);
  if (!complete) {
    throw Error(ErrorKind::kCancelled, format("stopped; %lld of %lld pictures are drawn and kept",
                                              static_cast<long long>(writer.count()),
                                              static_cast<long long>(plan.pictures())));
  }
  if (plan.bad_lines > 0) {
    throw Error(ErrorKind::kUsage,
                format("%lld lines of the prompt file were left out; the others are drawn",
                       static_cast<long long>(plan.bad_lines)),
                "they are named above");
  }
  if (output.unchecked() > 0) {
    throw Error(ErrorKind::kCheckpoint,
                format("%lld pictures could not be checked, and were not let through",
                       static_cast<long long>(output.unchecked())),
                "see the reason above; --safety off draws without the checker");
  }
  return 0;
}

}  // namespace sd
