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

constexpr int64_t kDefaultSide = 512;

void check_settings(const Settings& settings, const ModelDescription& model) {
  check_limits(settings);
  if (settings.C != model.channels) {
    throw Error(ErrorKind::kUsage,
                format("`channels` must be %lld, those of the model's latent, found %lld",
                       static_cast<long long>(model.channels), static_cast<long long>(settings.C)),
                "leave it out");
  }
  if (settings.fixed_code && settings.seed_mode == SeedMode::kImage) {
    throw Error(ErrorKind::kUsage, "`fixed_code` does not go with `seed_mode` image",
                "leave one of them out: the one gives all pictures the same noise, the other "
                "each its own");
  }
  if (settings.watermark.empty()) {
    throw Error(ErrorKind::kUsage, "`watermark` must have a text",
                "`no_watermark` leaves the watermark out");
  }
  if (!is_valid_utf8(settings.watermark)) {
    throw Error(ErrorKind::kUsage,
                "`watermark` must be UTF-8, found " + printable(settings.watermark, 60),
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
  Planner(const Settings& settings, const ModelDescription& model, bool built_in_model)
      : settings_(settings),
        model_(model),
        default_side_(built_in_model ? model.native_size : kDefaultSide),
        init_images_(model) {}

  /// Adds a picture to the first batch that has room and suits it. Throws kUsage or kFile.
  void add(const LineSettings& line) {
    check_limits(line);
    Request request = request_of(line);
    check(request);
    say_unusual(line);
    PlannedBatch& batch = batch_for(std::move(request));
    const int64_t place = plan_.pictures_per_pass++;
    batch.places.push_back(place);
    if (line.picture.seed) {
      add_seed(*line.picture.seed, 1, &batch);
    } else if (seed_mode_of(line) == SeedMode::kImage) {
      add_seed(settings_.seed + static_cast<uint64_t>(place), kStepOfPass, &batch);
    }
  }

  BatchPlan finish() {
    for (PlannedBatch& batch : plan_.batches) {
      for (int64_t& step : batch.seed_steps) {
        if (step == kStepOfPass) step = plan_.pictures_per_pass;
      }
    }
    plan_.passes = settings_.n_iter;
    return std::move(plan_);
  }

 private:
  static constexpr int64_t kStepOfPass = -1;  // until the number of pictures in a pass is known

  static void add_seed(uint64_t seed, int64_t step, PlannedBatch* batch) {
    batch->request.seeds.push_back(seed);
    batch->seed_steps.push_back(step);
  }

  /// Whether the sampler is named, other than by the reference's flags.
  static bool names_sampler(const LineSettings& line) {
    return line.batch.sampler != BatchSettings().sampler;
  }

  /// The sampler, and the schedule that is named with it or by itself.
  static SamplerChoice sampler_of(const LineSettings& line) {
    const char* reference = line.dpm_solver ? "dpm_solver" : line.plms ? "plms" : "ddim";
    const SamplerChoice choice =
        choose_sampler(names_sampler(line) ? line.batch.sampler : reference);
    const Schedule* schedule = find_schedule(line.batch.schedule);
    return {choice.sampler, schedule != nullptr ? schedule : choice.schedule};
  }

  SeedMode seed_mode_of(const LineSettings& line) const {
    const bool reference = sampler_of(line).sampler.reference;
    return settings_.seed_mode.value_or(reference ? SeedMode::kStream : SeedMode::kImage);
  }

  /// A batch of this one picture.
  Request request_of(const LineSettings& line) {
    Request request;
    request.batch = line.batch;
    request.pictures = {line.picture};
    const SamplerChoice choice = sampler_of(line);
    request.batch.sampler = choice.sampler.name;
    request.batch.schedule =
        choice.schedule != nullptr ? choice.schedule->name : kAutomaticSchedule;
    if (choice.sampler.eta == Eta::kIgnored) request.batch.eta = 0;
    request.fixed_code = settings_.fixed_code;
    if (settings_.script == Script::kImg2Img) {
      request.batch.init.image = init_images_.get(line.batch.init);
      request.batch.width = request.batch.init.image->width;
      request.batch.height = request.batch.init.image->height;
    } else {
      request.batch.height =
          drawn_side("height", line.H.value_or(default_side_), settings_.f, model_);
      request.batch.width =
          drawn_side("width", line.W.value_or(default_side_), settings_.f, model_);
    }
    const bool own_seed = line.picture.seed || seed_mode_of(line) == SeedMode::kImage;
    if (!own_seed) request.noise_rows = settings_.n_samples;
    return request;
  }

  /// Before its seed is counted, where it has one of its own.
  void check(Request request) const {
    if (request.noise_rows == 0) request.seeds.assign(request.pictures.size(), 0);
    check_request(model_, request);
  }

  /// Whether two requests may be drawn at once.
  static bool go_together(const Request& a, const Request& b) {
    return a.batch == b.batch && a.noise_rows == b.noise_rows &&
           (a.pictures.front().scale == 1) == (b.pictures.front().scale == 1);
  }

  PlannedBatch& batch_for(Request request) {
    for (const size_t open : open_) {
      PlannedBatch& batch = plan_.batches[open];
      if (!go_together(batch.request, request)) continue;
      batch.request.pictures.push_back(std::move(request.pictures.front()));
      if (static_cast<int64_t>(batch.request.pictures.size()) == settings_.n_samples) {
        std::erase(open_, open);
      }
      return batch;
    }
    if (settings_.n_samples > 1) open_.push_back(plan_.batches.size());
    plan_.batches.push_back({std::move(request), {}, {}});
    return plan_.batches.back();
  }

  /// What works, but not as the numbers read; each line once.
  void say_unusual(const LineSettings& line) {
    const SamplerChoice choice = sampler_of(line);
    const Sampler& sampler = choice.sampler;
    if (names_sampler(line) && (line.plms || line.dpm_solver)) {
      say("`sampler` wins over `plms` and `dpm_solver`");
    } else if (line.dpm_solver && line.plms) {
      say("`dpm_solver` wins over `plms`");
    }
    if (sampler.eta == Eta::kIgnored && line.batch.eta != 0) {
      say(format("the sampler %s ignores `eta`", sampler.name));
    }
    if (sampler.grid != Grid::kSigmas && choice.schedule != nullptr) {
      say(format("the sampler %s has timesteps of its own and ignores `schedule`", sampler.name));
    }
    if (sampler.grid != Grid::kDdim) return;
    const auto steps = static_cast<long long>(line.batch.steps);
    const StepCount count = ddim_step_count(model_.timesteps, line.batch.steps);
    if (count.past_the_end) {
      say(
          format("`steps` %lld: the grid's last timestep, %lld, is taken as %lld (the reference "
                 "fails here)",
                 steps, static_cast<long long>(model_.timesteps),
                 static_cast<long long>(model_.timesteps - 1)));
    }
    if (count.actual != line.batch.steps && settings_.script == Script::kTxt2Img) {
      say(format("`steps` %lld: the reference's grid has %lld steps, which are taken", steps,
                 static_cast<long long>(count.actual)));
    }
  }

  void say(const std::string& line) {
    if (said_.insert(line).second) notice(line);
  }

  const Settings& settings_;
  const ModelDescription& model_;
  int64_t default_side_;
  InitImages init_images_;
  BatchPlan plan_;
  std::vector<size_t> open_;  // batches that have room
  std::set<std::string> said_;
};

/// Throws what is wrong with a line, or under --keep-going reports it.
void reject(const PromptLine& line, ErrorKind kind, const std::string& problem,
            const std::string& hint, const Settings& settings) {
  const std::string message = format("line %lld of %s: ", static_cast<long long>(line.number),
                                     printable(settings.from_file).c_str()) +
                              problem;
  if (!settings.keep_going) throw Error(kind, message, hint);
  complain("error: " + message + "; left out");
}

BatchPlan plan_lines(const Settings& settings, const std::vector<PromptLine>& lines,
                     Planner* planner) {
  int64_t bad = 0;
  for (const PromptLine& line : lines) {
    try {
      if (!line.problem.empty()) throw Error(ErrorKind::kUsage, line.problem, line.hint);
      planner->add(line.settings);
    } catch (const Error& error) {
      reject(line, error.kind(), error.what(), error.hint(), settings);
      ++bad;
    }
  }
  if (bad == static_cast<int64_t>(lines.size())) {
    throw Error(ErrorKind::kUsage, "no line of " + printable(settings.from_file) + " can be drawn",
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

BatchPlan plan_batches(const Settings& settings, const ModelDescription& model, bool built_in_model,
                       const std::vector<PromptLine>& lines) {
  check_settings(settings, model);
  Planner planner(settings, model, built_in_model);
  if (!settings.from_file.empty()) return plan_lines(settings, lines, &planner);
  for (int64_t i = 0; i < settings.n_samples; ++i) planner.add(settings);
  return planner.finish();
}

PlannedLoad largest_load(const BatchPlan& plan) {
  const auto load_of = [](const PlannedBatch& batch) {
    const Request& request = batch.request;
    return PlannedLoad{.pictures = std::ssize(request.pictures),
                       .height = request.batch.height,
                       .width = request.batch.width,
                       .guided = request.pictures.front().scale != 1,
                       .encodes = request.batch.init.image != nullptr};
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
