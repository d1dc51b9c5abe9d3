#include "job/batch_plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/strings.h"
#include "job/hires_plan.h"
#include "job/init_image.h"
#include "job/inpaint_image.h"
#include "job/left_out.h"
#include "job/line_notes.h"
#include "job/lora_folder.h"
#include "job/prompt_templates.h"
#include "pipeline/size_check.h"
#include "sampling/sampling_plan.h"
#include "sd/error.h"
#include "text/tokenizer.h"

namespace sd::job {
namespace {

constexpr int64_t kDefaultSide = 512;

void check_settings(const Settings& settings, const ModelDescription& model) {
  check_limits(settings);
  if (settings.C != model.channels) {
    throw Error(ErrorKind::kUsage,
                fmt::format("`channels` must be {}, those of the model's latent, found {}",
                            model.channels, settings.C),
                "leave it out");
  }
  if (settings.fixed_code && settings.seed_mode == SeedMode::kImage) {
    throw Error(ErrorKind::kUsage, "`fixed_code` does not go with `seed_mode` image",
                "leave one of them out: the first gives all pictures the same noise, the second "
                "each its own");
  }
  if (settings.watermark.empty()) {
    throw Error(ErrorKind::kUsage, "`watermark` must have a text",
                "`no_watermark` leaves the watermark out");
  }
  if (!is_valid_utf8(settings.watermark)) {
    throw Error(ErrorKind::kUsage,
                "`watermark` must be UTF-8, found " + printable(settings.watermark, 60),
                "a picture's parameters contain it, and they are UTF-8");
  }
}

/// The size that is drawn: H and W over f, times the model's own factor. `any`: it may be any that
/// the latent can have.
int drawn_side(const char* flag, int64_t side, int64_t f, bool any, const ModelDescription& model) {
  const int64_t multiple = any ? model.factor : model.size_multiple;
  pipeline::check_side(flag, side, multiple / model.factor * f, kMaxSide / model.factor * f);
  return static_cast<int>(side / f * model.factor);
}

}  // namespace

class BatchPlanner::Batches {
 public:
  Batches(const Settings& settings, const ModelDescription& model, bool built_in_model)
      : settings_(settings),
        model_(model),
        default_side_(built_in_model ? model.native_size : kDefaultSide),
        init_images_(model),
        loras_(std::make_shared<const LoraFolder>(settings.lora_dir)) {
    if (settings.expand) expand_ = template_expander(settings.wildcards);
  }

  /// Adds a picture to the first batch that has room and suits it. Throws kUsage or kFile.
  void add(const LineSettings& line, int64_t place) {
    check_limits(line);
    Request request = request_of(line);
    PlannedBatch alone{.request = {}, .places = {place}, .seed_steps = {}, .variation_steps = {}};
    if (!request.noise.shared()) seed(line, place, &request.noise, &alone);
    alone.request = std::move(request);
    if (expand_) alone.templates = templates_of(line);
    const Request first = job::request_of(alone, 0);
    check_request(model_, first);
    alone.request.batch.loras = first.batch.loras;
    alone.request.batch.hires.loras = first.batch.hires.loras;
    for (const std::string& note :
         line_notes(settings_, line, sampler_of(line), model_.timesteps)) {
      say(note);
    }
    say_left_out(first);
    add(std::move(alone));
  }

  std::vector<PlannedBatch> finish(int64_t pictures_per_pass) {
    for (PlannedBatch& batch : batches_) {
      batch.templates.pictures_per_pass = pictures_per_pass;
      for (auto* steps : {&batch.seed_steps, &batch.variation_steps}) {
        std::replace(steps->begin(), steps->end(), kStepOfPass, pictures_per_pass);
      }
    }
    open_.clear();
    init_images_.forget_all_but(settings_.batch.init.file);
    return std::exchange(batches_, {});
  }

 private:
  static constexpr int64_t kStepOfPass = -1;  // until the number of pictures in a pass is known

  PlannedTemplates templates_of(const LineSettings& line) const {
    PlannedTemplates templates{
        .texts = {texts_of(line.picture)}, .expand = expand_, .seed = settings_.seed};
    const bool name = may_name(line.picture.prompt) || may_name(line.picture.hires_prompt);
    if (is_webui(line) && name) {
      templates.adapters = [given = line.batch.loras, folder = loras_](
                               const PictureSettings& picture, BatchSettings* batch) {
        set_loras(given, picture, *folder, batch);
      };
    }
    return templates;
  }

  /// Whether a template may name adapters, itself or by a wildcard.
  static bool may_name(const std::string& text) {
    return text.find('<') != std::string::npos || text.find("__") != std::string::npos;
  }

  /// The seeds of a picture that has a stream of its own, and what they grow by from pass to pass.
  /// Where there is a variation, its seed counts in place of the picture's, as in the web UI.
  void seed(const LineSettings& line, int64_t place, NoisePlace* noise, PlannedBatch* batch) const {
    const std::optional<uint64_t>& own = line.picture.seed;
    const bool varies = noise->changes.variation_strength != 0;
    const int64_t step = own ? 1 : kStepOfPass;
    const uint64_t count = own ? 0 : static_cast<uint64_t>(place);
    noise->seeds = {own.value_or(settings_.seed) + (varies ? 0 : count)};
    batch->seed_steps = {varies ? 0 : step};
    if (!varies) return;
    noise->variation_seeds = {line.picture.variation_seed.value_or(0) + count};
    batch->variation_steps = {step};
  }

  static bool is_webui(const LineSettings& line) {
    return line.batch.prompts.syntax == PromptSyntax::kWebUi;
  }

  /// The sampler, and the schedule that is named with it or by itself.
  static sampling::SamplerChoice sampler_of(const LineSettings& line) {
    const char* reference = line.dpm_solver ? "dpm_solver" : line.plms ? "plms" : "ddim";
    const sampling::SamplerChoice choice =
        sampling::choose_sampler(names_sampler(line) ? line.batch.sampler : reference);
    const sampling::Schedule* schedule = sampling::find_schedule(line.batch.schedule);
    return {choice.sampler, schedule != nullptr ? schedule : choice.schedule};
  }

  /// A fixed code is of a stream that the pictures share.
  SeedMode seed_mode_of(const LineSettings& line) const {
    const bool reference = sampler_of(line).sampler.reference && !line.batch.hires.on();
    const bool shared = reference || settings_.fixed_code;
    return settings_.seed_mode.value_or(shared ? SeedMode::kStream : SeedMode::kImage);
  }

  /// The init image, and what of it is drawn, and at which size.
  void start_from_picture(const LineSettings& line, const sampling::Sampler& sampler,
                          BatchSettings* batch) {
    InitSettings& init = batch->init;
    complete_mask(&init, sampler, model_);
    AskedSize asked;
    const bool any = is_webui(line);
    if (line.W) asked.width = drawn_side("width", *line.W, settings_.f, any, model_);
    if (line.H) asked.height = drawn_side("height", *line.H, settings_.f, any, model_);
    InitPicture start = init_images_.get(init, asked);
    init.image = std::move(start.image);
    init.inpainting = std::move(start.inpainting);
    batch->width = init.image->width;
    batch->height = init.image->height;
  }

  /// (runwayml's script has an eta of 1.)
  static double usual_eta(const sampling::Sampler& sampler, const InitSettings& init) {
    const bool runwayml = init.inpainting && init.inpainting->mode == InpaintMode::kRunwayml;
    return runwayml && sampler.name == std::string("ddim") ? 1 : sampler.usual_eta;
  }

  /// A batch of this one picture.
  Request request_of(const LineSettings& line) {
    Request request;
    request.batch = line.batch;
    request.pictures = {line.picture};
    const sampling::SamplerChoice choice = sampler_of(line);
    request.batch.sampler = choice.sampler.name;
    request.batch.schedule =
        choice.schedule != nullptr ? choice.schedule->name : sampling::kAutomaticSchedule;
    const bool any = request.batch.hires.on() || is_webui(line);
    resolve_hires(&request.batch.hires);
    if (settings_.script == Script::kImg2Img) {
      start_from_picture(line, choice.sampler, &request.batch);
    } else {
      request.batch.height =
          drawn_side("height", line.H.value_or(default_side_), settings_.f, any, model_);
      request.batch.width =
          drawn_side("width", line.W.value_or(default_side_), settings_.f, any, model_);
    }
    std::optional<double>& eta = request.batch.knobs.eta;
    eta = choice.sampler.eta == sampling::Eta::kIgnored
              ? 0
              : eta.value_or(usual_eta(choice.sampler, request.batch.init));
    const bool own_seed = line.picture.seed || seed_mode_of(line) == SeedMode::kImage;
    // (A template's are those of the text that it becomes.)
    const bool named = is_webui(line) && !expand_;
    set_loras(line.batch.loras, named ? line.picture : PictureSettings(), *loras_, &request.batch);
    request.noise = {.rng = settings_.rng, .seeds = {}, .rows = 0};
    if (own_seed) {
      request.noise.changes = request.batch.noise;
      request.noise.seeds = {0};  // until they are counted
    } else {
      request.noise.seeds = {settings_.seed};
      request.noise.rows = settings_.n_samples;
      request.noise.fixed_code = settings_.fixed_code;
    }
    return request;
  }

  /// Whether two requests may be drawn at once.
  static bool go_together(const Request& a, const Request& b) {
    return a.batch == b.batch && a.noise.rows == b.noise.rows &&
           (a.pictures.front().scale == 1) == (b.pictures.front().scale == 1);
  }

  /// Joins a batch of one picture to the first that has room and suits it.
  void add(PlannedBatch alone) {
    if (alone.templates.adapters) return batches_.push_back(std::move(alone));
    for (const size_t open : open_) {
      PlannedBatch& batch = batches_[open];
      if (!go_together(batch.request, alone.request)) continue;
      join(alone, &batch);
      if (std::ssize(batch.request.pictures) == settings_.n_samples) std::erase(open_, open);
      return;
    }
    if (settings_.n_samples > 1) open_.push_back(batches_.size());
    batches_.push_back(std::move(alone));
  }

  static void join(const PlannedBatch& one, PlannedBatch* batch) {
    const auto append = [](const auto& from, auto* to) {
      to->insert(to->end(), from.begin(), from.end());
    };
    append(one.request.pictures, &batch->request.pictures);
    append(one.places, &batch->places);
    append(one.seed_steps, &batch->seed_steps);
    append(one.variation_steps, &batch->variation_steps);
    append(one.templates.texts, &batch->templates.texts);
    if (batch->request.noise.shared()) return;
    append(one.request.noise.seeds, &batch->request.noise.seeds);
    append(one.request.noise.variation_seeds, &batch->request.noise.variation_seeds);
  }

  void say_left_out(const Request& request) {
    if (request.batch.prompts.syntax != PromptSyntax::kWebUi) return;
    const std::string what = left_out_of(request.pictures.front());
    if (!what.empty()) say("left out of a prompt, " + what);
  }

  void say(const std::string& line) {
    if (said_.insert(line).second) notice(line);
  }

  const Settings& settings_;
  const ModelDescription& model_;
  int64_t default_side_;
  InitImages init_images_;
  std::shared_ptr<const LoraFolder> loras_;
  TemplateExpander expand_;  // empty: prompts are no templates
  std::vector<PlannedBatch> batches_;
  std::vector<size_t> open_;  // batches that have room
  std::set<std::string> said_;
};

BatchPlanner::BatchPlanner(const Settings& settings, const ModelDescription& model,
                           bool built_in_model) {
  check_settings(settings, model);
  batches_ = std::make_unique<Batches>(settings, model, built_in_model);
}
BatchPlanner::~BatchPlanner() = default;
BatchPlanner::BatchPlanner(BatchPlanner&&) noexcept = default;

void BatchPlanner::add(const LineSettings& line, int64_t place) { batches_->add(line, place); }

std::vector<PlannedBatch> BatchPlanner::finish(int64_t pictures_per_pass) {
  return batches_->finish(pictures_per_pass);
}

namespace {

/// Throws what is wrong with a line, or under --keep-going reports it.
void reject(const PromptLine& line, ErrorKind kind, const std::string& problem,
            const std::string& hint, const Settings& settings) {
  std::string message = problem;
  if (!settings.from_file.empty()) {
    message = fmt::format("line {} of {}: ", line.number, printable(settings.from_file)) + problem;
  }
  if (!settings.keep_going) throw Error(kind, message, hint);
  complain("error: " + message + "; left out");
}

BatchPlan plan_lines(const Settings& settings, const std::vector<PromptLine>& lines,
                     BatchPlanner* planner) {
  int64_t bad = 0, good = 0;
  for (const PromptLine& line : lines) {
    try {
      if (!line.problem.empty()) throw Error(ErrorKind::kUsage, line.problem, line.hint);
      planner->add(line.settings, good);
      ++good;
    } catch (const Error& error) {
      rethrow_if_stopped(error);
      reject(line, error.kind(), error.what(), error.hint(), settings);
      ++bad;
    }
  }
  if (bad == static_cast<int64_t>(lines.size())) {
    throw Error(ErrorKind::kUsage, "no line of " + printable(settings.from_file) + " can be drawn",
                "fix the lines listed above");
  }
  return {.batches = planner->finish(good),
          .passes = settings.n_iter,
          .pictures_per_pass = good,
          .bad_lines = bad};
}

BatchPlan plan_prompt(const Settings& settings, BatchPlanner* planner) {
  for (int64_t i = 0; i < settings.n_samples; ++i) planner->add(settings, i);
  return {.batches = planner->finish(settings.n_samples),
          .passes = settings.n_iter,
          .pictures_per_pass = settings.n_samples};
}

/// Makes the texts of all passes, which throws where one of them cannot be made or names an adapter
/// that is not there, and notes the adapters.
void look_through_passes(BatchPlan* plan) {
  for (PlannedBatch& batch : plan->batches) {
    const bool has_templates = !batch.templates.texts.empty();
    for (int64_t pass = 1; has_templates && pass < plan->passes; ++pass) {
      for (const auto& loras : loras_by_pass(request_of(batch, pass).batch)) {
        auto& known = batch.templates.later_loras;
        const bool is_new = std::find(known.begin(), known.end(), loras) == known.end();
        if (batch.templates.adapters && is_new) known.push_back(loras);
      }
    }
  }
}

}  // namespace

BatchPlan plan_batches(const Settings& settings, const ModelDescription& model, bool built_in_model,
                       const std::vector<PromptLine>& lines) {
  BatchPlanner planner(settings, model, built_in_model);
  const bool has_lines = !settings.from_file.empty() || !lines.empty();
  BatchPlan plan =
      has_lines ? plan_lines(settings, lines, &planner) : plan_prompt(settings, &planner);
  look_through_passes(&plan);
  return plan;
}

}  // namespace sd::job
