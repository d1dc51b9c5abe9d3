#include "cli/run.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/new_file.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/profile_table.h"
#include "cli/progress_bar.h"
#include "cli/prompt_lines.h"
#include "cli/workers.h"
#include "job/run_output.h"
#include "job/safety_choice.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd {
namespace {

OutputWriter::Settings output_settings(const Settings& options, const BatchPlan& plan) {
  OutputWriter::Settings settings;
  settings.outdir = options.outdir.value_or(default_outdir(options));
  settings.save_samples = !options.skip_save;
  settings.save_grid = !options.skip_grid;
  settings.images_per_row =
      static_cast<int>(options.n_rows > 0 ? options.n_rows : options.n_samples);
  settings.most_pictures = plan.pictures();
  for (const PlannedBatch& batch : plan.batches) {
    settings.largest_width = std::max(settings.largest_width, batch.request.batch.width);
    settings.largest_height = std::max(settings.largest_height, batch.request.batch.height);
  }
  if (!options.no_watermark) settings.watermark = options.watermark;
  return settings;
}

/// Draws all batches, or as many as there are when the user stops it.
void draw(const WorkersRun& run, const Session::Tap& tap, OrderedOutput* output) {
  const BatchPlan& plan = run.plan;
  const Pipeline pipeline = Pipeline::load(run.load, run.model.config);
  Session session = pipeline.start(run.options.rng, run.options.seed);
  session.set_tap(tap);
  ProgressBar bar(ProgressBar::style_of_stderr(),
                  static_cast<int64_t>(plan.batches.size()) * plan.passes);
  const auto progress = [&](const ProgressEvent& event) {
    if (interrupted() || reader_gone()) return false;
    bar.show(event);
    return true;
  };
  try {
    for (int64_t pass = 0; pass < plan.passes; ++pass) {
      for (const PlannedBatch& batch : plan.batches) {
        const auto on_picture = [&](Picture picture) {
          bar.clear();
          const int64_t place = batch.places[static_cast<size_t>(picture.draw.row)];
          output->add(pass * plan.pictures_per_pass + place, batch, std::move(picture), pipeline);
        };
        bar.begin_batch();
        session.generate(plan.request(batch, pass), on_picture, progress);
      }
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kCancelled) throw;
  }
}

/// Draws them on one device or several. Where that fails, what is drawn is kept.
void draw_anywhere(const WorkersRun& run, const Session::Tap& tap, OrderedOutput* output) {
  try {
    if (run.options.devices.empty()) return draw(run, tap, output);
    draw_with_workers(resolve_workers(run.options, probe_host()), run, output);
  } catch (...) {
    begin_wind_up();
    try {
      output->finish();
    } catch (const Error&) {
      // The first error says more.
    }
    throw;
  }
}

std::string stopped_line(const BatchPlan& plan, const OrderedOutput& output) {
  return format("stopped; %lld of %lld pictures are drawn and kept",
                static_cast<long long>(output.kept()), static_cast<long long>(plan.pictures()));
}

/// Keeps what is drawn while a computation goes on that did not hear that it should stop.
void end_late(const BatchPlan& plan, OrderedOutput* output) noexcept {
  constexpr auto kPatience = std::chrono::milliseconds(300);
  try {
    const bool finished = output->finish_within(kPatience);
    complain("error: " + (finished ? stopped_line(plan, *output)
                                   : std::string("stopped while a picture was being written")));
  } catch (const std::exception& error) {
    complain(std::string("error: stopped; ") + error.what());
  }
}

/// What --profile and --profile-json ask for; of a run that is stopped, too.
void report_profile(const Settings& options) {
  const Profile profile = current_profile();
  if (options.profile) complain_lines(profile_table(profile));
  if (options.profile_json.empty()) return;
  NewFile file(options.profile_json);
  file.write(profile_json(profile));
  file.finish_over();
}

}  // namespace

int run_script(const Settings& options, const Session::Tap& tap) {
  const bool profiled = options.profile || !options.profile_json.empty();
  if (profiled && !options.devices.empty()) {
    throw Error(ErrorKind::kUsage, "--profile times one device, and --devices names several",
                "use --device");
  }
  if (profiled) start_profile();
  const ChosenModel model = choose_model(options);
  const BatchPlan plan =
      plan_batches(options, model.description, model.built_in, read_prompt_lines(options));
  const SafetyOptions safety = choose_safety(options);
  OutputWriter writer(output_settings(options, plan));
  if (!model.note.empty()) notice(model.note);
  const LoadOptions load{.model = model.paths,
                         .device = options.device,
                         .safety = safety,
                         .init_images = options.script == Script::kImg2Img,
                         .largest = largest_load(plan)};
  std::optional<Recorder> recorder;
  if (!options.no_metadata && !(options.skip_save && options.skip_grid)) {
    recorder.emplace(options, model, safety.mode);
  }
  OrderedOutput output(&writer, recorder ? &*recorder : nullptr);
  catch_interrupts([&] { end_late(plan, &output); });
  const WorkersRun run{options, load, model.description, plan};
  draw_anywhere(run, tap, &output);
  begin_wind_up();
  output.finish();
  if (profiled) report_profile(options);
  if (output.count() < plan.pictures()) {
    if (interrupted()) throw Error(ErrorKind::kCancelled, stopped_line(plan, output));
    complain("error: " + stopped_line(plan, output) + ": nobody reads stdout");
    return kReaderGone;
  }
  if (plan.bad_lines > 0) {
    throw Error(ErrorKind::kUsage,
                format("%lld lines of the prompt file were left out; the others are drawn",
                       static_cast<long long>(plan.bad_lines)),
                "they are named above");
  }
  if (output.not_numbers() > 0) {
    throw Error(ErrorKind::kCheckpoint,
                format("%lld pictures hold values that are not numbers",
                       static_cast<long long>(output.not_numbers())),
                "the model is damaged, or does not fit these flags");
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
