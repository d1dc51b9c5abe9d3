#include <cstdio>
#include <memory>

#include "base/log.h"
#include "base/strings.h"
#include "cli/batch_plan.h"
#include "cli/commands/commands.h"
#include "cli/flags.h"
#include "cli/interrupt.h"
#include "cli/model_choice.h"
#include "cli/output_writer.h"
#include "cli/progress_bar.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr const char* kWatermark = "StableDiffusionV1";
constexpr const char* kOutdir = "outputs/txt2img-samples";
constexpr const char* kLaionOutdir = "outputs/txt2img-samples-laion400m";

OutputWriter::Settings output_settings(const Txt2ImgOptions& options) {
  OutputWriter::Settings settings;
  settings.outdir = options.outdir;
  if (options.laion400m && !options.outdir_given) settings.outdir = kLaionOutdir;
  settings.save_samples = !options.skip_save;
  settings.save_grid = !options.skip_grid;
  settings.images_per_row =
      static_cast<int>(options.n_rows > 0 ? options.n_rows : options.n_samples);
  if (!options.no_watermark) settings.watermark = kWatermark;
  return settings;
}

/// Draws all batches; false if the user stopped it.
bool draw(const BatchPlan& plan, Session* session, OutputWriter* writer) {
  ProgressBar bar(ProgressBar::style_of_stderr(),
                  static_cast<int64_t>(plan.batches.size()) * plan.passes);
  const auto on_image = [&](Image image) {
    bar.clear();
    writer->add(std::move(image));
  };
  const auto progress = [&](const ProgressEvent& event) {
    if (interrupted()) return false;
    bar.show(event);
    return true;
  };
  try {
    for (int64_t pass = 0; pass < plan.passes; ++pass) {
      for (const Request& batch : plan.batches) {
        bar.begin_batch();
        session->generate(batch, on_image, progress);
      }
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kCancelled) throw;
    return false;
  }
  return true;
}

}  // namespace

int run_txt2img(const Txt2ImgOptions& options, const Session::Tap& tap) {
  const ChosenModel model = choose_model(options);
  const BatchPlan plan = plan_batches(options, model.description, model.built_in);
  OutputWriter writer(output_settings(options));
  if (!model.note.empty()) notice(model.note);
  catch_interrupts();
  const Pipeline pipeline = Pipeline::load(model.paths, options.device);
  Session session = pipeline.start(options.rng, options.seed);
  session.set_tap(tap);
  const bool complete = draw(plan, &session, &writer);
  writer.finish();
  if (complete) return 0;
  throw Error(ErrorKind::kCancelled, format("stopped; %lld of %lld pictures are drawn and kept",
                                            static_cast<long long>(writer.count()),
                                            static_cast<long long>(plan.pictures())));
}

void add_txt2img_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand("txt2img", "draw pictures from words");
  auto options = std::make_shared<Txt2ImgOptions>();
  options->outdir = kOutdir;
  add_txt2img_flags(command, options.get());
  command->callback([options, run] { *run = [options] { return run_txt2img(*options); }; });
}

}  // namespace sd
