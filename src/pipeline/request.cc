#include "sd/request.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "models/model_source.h"
#include "pipeline/describe.h"
#include "pipeline/hires.h"
#include "pipeline/request_prompts.h"
#include "pipeline/request_sampling.h"
#include "pipeline/size_check.h"
#include "sd/error.h"
#include "text/tokenizer.h"

namespace sd {

ModelDescription describe_model(const ModelPaths& paths) {
  auto config = std::make_shared<const models::ModelConfig>(models::config_of(paths));
  ModelDescription description = pipeline::describe(*config);
  description.config = std::move(config);
  return description;
}

namespace {

void check_pictures(const std::vector<PictureSettings>& pictures) {
  if (pictures.empty()) {
    throw Error(ErrorKind::kUsage, "there is no prompt", "give one with `prompt`");
  }
  for (const PictureSettings& picture : pictures) {
    if (!std::isfinite(picture.scale)) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("`scale` must be a finite number, found {:g}", picture.scale),
                  "7.5 is the usual one");
    }
    if ((picture.scale == 1) != (pictures.front().scale == 1)) {
      throw Error(ErrorKind::kUsage, "a batch mixes pictures with and without guidance",
                  "put those of scale 1 into a separate batch");
    }
  }
}

void check_sampling(const Request& request) {
  const sampling::Sampler& sampler = sampling::find_sampler(request.batch.sampler);
  const double eta = request.batch.knobs.eta.value_or(0);
  if (!std::isfinite(eta)) {
    throw Error(ErrorKind::kUsage, "`eta` must be a finite number", "0 is the usual one");
  }
  if (eta != 0 && sampler.eta == sampling::Eta::kRefused) {
    throw Error(ErrorKind::kUsage,
                fmt::format("`eta` must be 0 with the sampler {}, found {:g}", sampler.name, eta),
                "the sampler ddim takes one");
  }
  if (request.batch.init.image == nullptr) return;
  if (!sampler.starts_from_picture && request.batch.init.starts_sampling()) {
    throw Error(ErrorKind::kUsage,
                fmt::format("the sampler {} cannot start from a picture", sampler.name),
                "take ddim or plms");
  }
  if (!request.batch.init.starts_sampling()) return;
  const double strength = request.batch.init.strength.value_or(pipeline::kUsualStrength);
  if (!(strength >= 0 && strength <= 1)) {
    throw Error(ErrorKind::kUsage,
                fmt::format("`strength` must be from 0 to 1, found {:g}", strength),
                "0.75 is the usual one: the higher, the less is left of the init image");
  }
}

/// What a sampler needs of the random streams.
void check_streams(const Request& request, const sampling::SamplingPlan& plan) {
  const sampling::Sampler& sampler = plan.sampler;
  if (!request.noise.shared()) return;
  const bool unknown = sampler.noise == sampling::NoiseUse::kBrownian || sampler.draws(plan) < 0;
  if (unknown || request.batch.noise.any()) {
    throw Error(ErrorKind::kUsage,
                unknown ? fmt::format("the sampler {} cannot share a random stream", sampler.name)
                        : "variations, noise of another size and a seed delta need a separate "
                          "random stream for each picture",
                "use `seed_mode` image");
  }
}

/// What callers of the library, and nobody who types flags, can get wrong.
void check_rows(const Request& request) {
  const size_t rows = request.pictures.size();
  const auto refuse = [](const char* what) {
    throw Error(ErrorKind::kUsage, what, "see sd/request.h");
  };
  const NoisePlace& noise = request.noise;
  if (noise.shared() && (noise.seeds.size() != 1 || noise.rows < static_cast<int64_t>(rows))) {
    refuse("a shared random stream has one seed, and a row at least for each picture");
  }
  if (!noise.shared() && noise.seeds.size() != rows) {
    refuse("there must be as many seeds as pictures");
  }
  if (noise.changes.variation_strength != 0 && noise.variation_seeds.size() != rows) {
    refuse("there must be as many variation seeds as pictures");
  }
  if (request.batch.init.image != nullptr &&
      (request.batch.init.image->width != request.batch.width ||
       request.batch.init.image->height != request.batch.height)) {
    refuse("the init image must have the size of the request");
  }
  const Inpainting* inpainting = request.batch.init.inpainting.get();
  if (inpainting != nullptr && (inpainting->mask.width != request.batch.width ||
                                inpainting->mask.height != request.batch.height)) {
    refuse("the mask must have the size of the request");
  }
  for (const int64_t row : request.keep) {
    if (row < 0 || row >= static_cast<int64_t>(rows)) refuse("there is no such row to keep");
  }
}

/// What is drawn after the first pass: its prompts, sampler, schedule and steps.
void check_second(const ModelDescription& model, const Request& request) {
  pipeline::check_hires(model, request);
  try {
    const Request second = pipeline::second_pass(request, model.factor);
    pipeline::check_prompts(second);
    check_sampling(second);
    sampling::plan_sampling(pipeline::schedule_of(model),
                            pipeline::second_sampling(request, second));
  } catch (const Error& error) {
    throw Error(error.kind(), std::string("second pass: ") + error.what(), error.hint());
  }
}

}  // namespace

void check_request(const ModelDescription& model, const Request& request) {
  check_pictures(request.pictures);
  pipeline::check_prompts(request);
  const bool hires = request.batch.hires.on();
  // (What the web UI draws may have any sides that the latent can have.)
  const bool any = hires || request.batch.prompts.syntax == PromptSyntax::kWebUi;
  const int64_t multiple = any ? model.factor : model.size_multiple;
  pipeline::check_side("height", request.batch.height, multiple, kMaxSide);
  pipeline::check_side("width", request.batch.width, multiple, kMaxSide);
  check_sampling(request);
  check_streams(request, pipeline::plan_of(model, request));
  check_rows(request);
  if (hires) check_second(model, request);
}

int64_t steps_taken(const ModelDescription& model, const Request& request) {
  return pipeline::plan_of(model, request).total;
}

FitSize result_size(const BatchSettings& batch) {
  constexpr int64_t kFactor = 8;
  if (batch.hires.on()) {
    const pipeline::HiresSize size = pipeline::hires_size(batch, kFactor);
    return {static_cast<int>(size.width), static_cast<int>(size.height)};
  }
  const Inpainting* inpainting = batch.init.inpainting.get();
  if (inpainting == nullptr || !inpainting->paste) return {batch.width, batch.height};
  return {inpainting->original.width, inpainting->original.height};
}

int64_t posterior_draws(const ModelDescription& model, const BatchSettings& batch) {
  const Inpainting* inpainting = batch.init.inpainting.get();
  const bool encodes = batch.init.image != nullptr &&
                       (inpainting == nullptr || inpainting->mode != InpaintMode::kRunwayml);
  return (encodes ? 1 : 0) + (model.inpaints ? 1 : 0);
}

bool needs_encoder(const ModelDescription& model, const BatchSettings& batch) {
  return posterior_draws(model, batch) > 0 || pipeline::encodes_first_pass(batch.hires);
}

}  // namespace sd
