#include "job/batch_plan.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/strings.h"
#include "job/init_image.h"
#include "pipeline/size_check.h"
#include "sampling/noise_schedule.h"
#include "sampling/sampling_plan.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr int64_t kMostSamples = 1024;
constexpr int64_t kMostIterations = 1'000'000;
constexpr int64_t kDefaultSide = 512;

void check_count(const char* flag, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return;
  throw Error(
      ErrorKind::kUsage,
      format("--%s must be from %lld to %lld, found %lld", flag, static_cast<long long>(least),
             static_cast<long long>(most), static_cast<long long>(value)),
      "leave it out for the default");
}

void check_flags(const RunOptions& options, const ModelDescription& model) {
  check_count("n_samples", options.n_samples, 1, kMostSamples);
  check_count("n_iter", options.n_iter, 1, kMostIterations);
  check_count("n_rows", options.n_rows, 0, kMostSamples);
  check_count("f", options.f, 1, kMaxSide);
  if (options.C != model.channels) {
    throw Error(ErrorKind::kUsage,
                format("--C must be %lld, the channels of the model's latent, found %lld",
                       static_cast<long long>(model.channels), static_cast<long long>(options.C)),
                "leave it out");
  }
  if (options.fixed_code && options.seed_mode == SeedMode::kImage) {
    throw Error(ErrorKind::kUsage, "--fixed_code does not go with --seed-mode image",
                "leave one of them out: the one gives all pictures the same noise, the other "
                "each its own");
  }
  if (options.watermark.empty()) {
    throw Error(ErrorKind::kUsage, "--watermark must have a text",
                "--no-watermark leaves the watermark out");
  }
  if (!is_valid_utf8(options.watermark)) {
    throw Error(ErrorKind::kUsage,
                "--watermark must be UTF-8, found " + printable(options.watermark, 60),
                "the parameters that a picture carries, which name it, are UTF-8");
  }
}

/// The size that is drawn: H and W over f, times the model's own factor.
int drawn_side(const char* flag, int64_t side, int64_t f, const ModelDescription& model) {
  check_side(flag, side, model.size_multiple / model.factor * f, kMaxSide / model.factor * f);
  return static_cast<int>(side / f * model.factor);
}

/// Makes batches of pictures, one after the other.
class Planner {
 public:
  Planner(const RunOptions& options, const ModelDescription& model, bool built_in_model)
      : options_(options),
        model_(model),
        default_side_(built_in_model ? model.native_size : kDefaultSide),
        init_images_(options, model) {}

  /// Adds a picture to the first batch that has room and suits it. Throws kUsage or kFile.
  void add(const PictureOptions& picture) {
    Request request = request_of(picture);
    check(request);
    say_unusual(picture);
    PlannedBatch& batch = batch_for(std::move(request));
    batch.init_img = picture.init_img;
    const int64_t place = plan_.pictures_per_pass++;
    batch.places.push_back(place);
    if (picture.seed) {
      add_seed(*picture.seed, 1, &batch);
    } else if (seed_mode_of(picture) == SeedMode::kImage) {
      add_seed(options_.seed + static_cast<uint64_t>(place), kStepOfPass, &batch);
    }
  }

  BatchPlan finish() {
    for (PlannedBatch& batch : plan_.batches) {
      for (int64_t& step : batch.seed_steps) {
        if (step == kStepOfPass) step = plan_.pictures_per_pass;
      }
    }
    plan_.passes = options_.n_iter;
    return std::move(plan_);
  }

 private:
  static constexpr int64_t kStepOfPass = -1;  // until the number of pictures in a pass is known

  static void add_seed(uint64_t seed, int64_t step, PlannedBatch* batch) {
    batch->request.seeds.push_back(seed);
    batch->seed_steps.push_back(step);
  }

  /// The sampler, and the schedule that is named with it or by itself.
  static SamplerChoice sampler_of(const PictureOptions& picture) {
    const char* reference = picture.dpm_solver ? "dpm_solver" : picture.plms ? "plms" : "ddim";
    const SamplerChoice choice =
        choose_sampler(picture.sampler.empty() ? reference : picture.sampler);
    const Schedule* schedule = find_schedule(picture.schedule);
    return {choice.sampler, schedule != nullptr ? schedule : choice.schedule};
  }

  SeedMode seed_mode_of(const PictureOptions& picture) const {
    const bool reference = sampler_of(picture).sampler.reference;
    return options_.seed_mode.value_or(reference ? SeedMode::kStream : SeedMode::kImage);
  }

  /// A batch of this one picture.
  Request request_of(const PictureOptions& picture) {
    Request request;
    request.pictures = {{picture.prompt, picture.negative_prompt, picture.scale}};
    const SamplerChoice choice = sampler_of(picture);
    request.sampler = choice.sampler.name;
    request.schedule = choice.schedule != nullptr ? choice.schedule->name : kAutomaticSchedule;
    request.steps = picture.ddim_steps;
    request.eta = choice.sampler.eta == Eta::kIgnored ? 0 : picture.ddim_eta;
    request.fixed_code = options_.fixed_code;
    if (options_.script == Script::kImg2Img) {
      request.init_image = init_images_.get(picture.init_img);
      request.strength = picture.strength;
      request.width = request.init_image->width;
      request.height = request.init_image->height;
    } else {
      request.height = drawn_side("H", picture.H.value_or(default_side_), options_.f, model_);
      request.width = drawn_side("W", picture.W.value_or(default_side_), options_.f, model_);
    }
    const bool own_seed = picture.seed || seed_mode_of(picture) == SeedMode::kImage;
    if (!own_seed) request.noise_rows = options_.n_samples;
    return request;
  }

  /// Before its seed is counted, where it has one of its own.
  void check(Request request) const {
    if (request.noise_rows == 0) request.seeds.assign(request.pictures.size(), 0);
    check_request(model_, request);
  }

  /// Whether two requests may be drawn at once.
  static bool go_together(const Request& a, const Request& b) {
    return a.width == b.width && a.height == b.height && a.sampler == b.sampler &&
           a.schedule == b.schedule && a.steps == b.steps && a.eta == b.eta &&
           a.init_image == b.init_image && a.strength == b.strength &&
           a.noise_rows == b.noise_rows &&
           (a.pictures.front().scale == 1) == (b.pictures.front().scale == 1);
  }

  PlannedBatch& batch_for(Request request) {
    for (const size_t open : open_) {
      PlannedBatch& batch = plan_.batches[open];
      if (!go_together(batch.request, request)) continue;
      batch.request.pictures.push_back(std::move(request.pictures.front()));
      if (static_cast<int64_t>(batch.request.pictures.size()) == options_.n_samples) {
        std::erase(open_, open);
      }
      return batch;
    }
    if (options_.n_samples > 1) open_.push_back(plan_.batches.size());
    plan_.batches.push_back({std::move(request), "", {}, {}});
    return plan_.batches.back();
  }

  /// What works, but not as the numbers read; each line once.
  void say_unusual(const PictureOptions& picture) {
    const SamplerChoice choice = sampler_of(picture);
    const Sampler& sampler = choice.sampler;
    if (picture.sampler.empty() && picture.dpm_solver && picture.plms) {
      say("--dpm_solver wins over --plms");
    }
    if (!picture.sampler.empty() && (picture.plms || picture.dpm_solver)) {
      say("--sampler wins over --plms and --dpm_solver");
    }
    if (sampler.eta == Eta::kIgnored && picture.ddim_eta != 0) {
      say(format("the sampler %s ignores --ddim_eta", sampler.name));
    }
    if (sampler.grid != Grid::kSigmas && choice.schedule != nullptr) {
      say(format("the sampler %s has timesteps of its own and ignores --schedule", sampler.name));
    }
    if (sampler.grid != Grid::kDdim) return;
    const auto steps = static_cast<long long>(picture.ddim_steps);
    const StepCount count = ddim_step_count(model_.timesteps, picture.ddim_steps);
    if (count.past_the_end) {
      say(
          format("--ddim_steps %lld: the grid's last timestep, %lld, is taken as %lld (the "
                 "reference fails here)",
                 steps, static_cast<long long>(model_.timesteps),
                 static_cast<long long>(model_.timesteps - 1)));
    }
    if (count.actual != picture.ddim_steps && options_.script == Script::kTxt2Img) {
      say(format("--ddim_steps %lld: the reference's grid has %lld steps, which are taken", steps,
                 static_cast<long long>(count.actual)));
    }
  }

  void say(const std::string& line) {
    if (said_.insert(line).second) notice(line);
  }

  const RunOptions& options_;
  const ModelDescription& model_;
  int64_t default_side_;
  InitImages init_images_;
  BatchPlan plan_;
  std::vector<size_t> open_;  // batches that have room
  std::set<std::string> said_;
};

/// Throws what is wrong with a line, or under --keep-going reports it.
void reject(const PromptLine& line, ErrorKind kind, const std::string& problem,
            const std::string& hint, const RunOptions& options) {
  const std::string message = format("line %lld of %s: ", static_cast<long long>(line.number),
                                     printable(options.from_file).c_str()) +
                              problem;
  if (!options.keep_going) throw Error(kind, message, hint);
  complain("error: " + message + "; left out");
}

BatchPlan plan_lines(const RunOptions& options, const std::vector<PromptLine>& lines,
                     Planner* planner) {
  int64_t bad = 0;
  for (const PromptLine& line : lines) {
    try {
      if (!line.problem.empty()) throw Error(ErrorKind::kUsage, line.problem, line.hint);
      planner->add(line.options);
    } catch (const Error& error) {
      reject(line, error.kind(), error.what(), error.hint(), options);
      ++bad;
    }
  }
  if (bad == static_cast<int64_t>(lines.size())) {
    throw Error(ErrorKind::kUsage, "no line of " + printable(options.from_file) + " can be drawn",
                "fix the lines listed above");
  }
  BatchPlan plan = planner->finish();
  plan.bad_lines = bad;
  return plan;
}

}  // namespace

Request BatchPlan::request(const PlannedBatch& batch, int64_t pass) const {
  Request request = batch.request;
  for (size_t i = 0; i < request.seeds.size(); ++i) {
    request.seeds[i] += static_cast<uint64_t>(pass * batch.seed_steps[i]);
  }
  return request;
}

BatchPlan plan_batches(const RunOptions& options, const ModelDescription& model,
                       bool built_in_model, const std::vector<PromptLine>& lines) {
  check_flags(options, model);
  Planner planner(options, model, built_in_model);
  if (!options.from_file.empty()) return plan_lines(options, lines, &planner);
  for (int64_t i = 0; i < options.n_samples; ++i) planner.add(options.picture);
  return planner.finish();
}

PlannedLoad largest_load(const BatchPlan& plan) {
  const auto load_of = [](const PlannedBatch& batch) {
    const Request& request = batch.request;
    return PlannedLoad{.pictures = std::ssize(request.pictures),
                       .height = request.height,
                       .width = request.width,
                       .guided = request.pictures.front().scale != 1,
                       .encodes = request.init_image != nullptr};
  };
  const auto values = [](const PlannedLoad& load) {
    return load.pictures * load.height * load.width * (load.guided ? 2 : 1);
  };
  PlannedLoad largest = load_of(plan.batches.front());
  for (const PlannedBatch& batch : plan.batches) {
    const PlannedLoad load = load_of(batch);
    if (values(load) > values(largest)) largest = load;
  }
  return largest;
}

}  // namespace sd
