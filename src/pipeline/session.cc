#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.h"
#include "kernels/table.h"
#include "models/unet_call.h"
#include "pipeline/contexts.h"
#include "pipeline/draw_plan.h"
#include "pipeline/memory_ladder.h"
#include "pipeline/model.h"
#include "pipeline/networks.h"
#include "pipeline/picture_tensor.h"
#include "pipeline/request_sampling.h"
#include "pipeline/stage_progress.h"
#include "pipeline/streams.h"
#include "runtime/profile.h"
#include "safety/safety_gate.h"
#include "sd/error.h"

namespace sd {
namespace {

/// What the batches of a run share, and where it was drawn.
struct Shared {
  at::Tensor value;  // undefined: not drawn yet
  uint64_t offset = 0;
};

/// What a batch's prompts say to the UNet: [N, 77, width] each.
struct Conditions {
  at::Tensor cond;
  at::Tensor uncond;  // undefined at scale 1
};

/// A request that is being drawn.
struct Batch {
  const Request& request;
  const ProgressFn& progress;
  const Streams& streams;
  std::vector<int64_t> latent_shape;  // of the draws: [noise rows, C, h, w]
  DrawRecord record;

  int64_t rows() const { return static_cast<int64_t>(request.pictures.size()); }
  bool own_streams() const { return !request.seeds.empty(); }
  /// Where its draws are, if that is known before.
  const std::optional<DrawRecord>& drawn_at() const {
    return request.again ? request.again : request.draws_at;
  }
};

/// Strips between which the user may stop.
StripWork strips(const StageProgress& stage, const ExecPolicy& policy) {
  StripWork work{.bytes = strip_bytes(policy.device)};
  work.poll = [&stage] { stage.poll(); };
  return work;
}

}  // namespace

struct Session::State {
  explicit State(std::shared_ptr<const Pipeline::Model> of)
      : model(std::move(of)),
        networks(model->diffusion),
        contexts(*model->tokenizer, &networks),
        mix(choose_kernel(mix_rows(), MixSpec{}, model->policy.kernels)),
        unet_call(model->policy),
        ladder(*model->planner, model->policy, model->diffusion.source) {}

  std::shared_ptr<const Pipeline::Model> model;
  Networks networks;
  Contexts contexts;
  std::unique_ptr<const MixKernel> mix;
  UNetCall unet_call;
  MemoryLadder ladder;
  RngKind rng;
  uint64_t seed;
  Streams streams;
  Tap tap;

  Result generate(const Request& request, const PictureFn& on_picture, const ProgressFn& progress);

 private:
  const LatentDiffusion& diffusion() const { return model->diffusion; }
  Batch make_batch(const Request& request, const ProgressFn& progress, const Streams& of_rows);
  Conditions conditions(const Request& request, const ProgressFn& progress);
  Denoiser guided_unet(const SamplingPlan& plan, const Request& request,
                       const Conditions& conditions);
  at::Tensor moments(const Batch& batch);
  template <class Work>
  at::Tensor in_first_stage(const char* verb, const StageProgress& stage, const Work& work);
  at::Tensor init_latent(Batch* batch);
  at::Tensor start_noise(Batch* batch);
  at::Tensor start(const SamplingPlan& plan, Batch* batch);
  std::vector<BrownianTree> paths(const SamplingPlan& plan, const Batch& batch) const;
  at::Tensor sample(const SamplingPlan& plan, const Batch& batch, const at::Tensor& x,
                    StageProgress* progress, Denoiser* unet);
  at::Tensor draw_latent(Batch* batch, Result* result);
  double decode(const Batch& batch, const at::Tensor& latent, const PictureFn& on_picture);
  void show(const char* name, const at::Tensor& tensor) const {
    if (tap) tap(name, tensor);
  }

  std::map<std::shared_ptr<const Image>, at::Tensor> moments_;  // [1, 2C, h, w]
  std::map<std::shared_ptr<const Image>, Shared> latents_;      // [noise rows, C, h, w]
  Shared code_;                                                 // likewise, with fixed_code

  // Of the request that is being drawn.
  const StageProgress* sampling_ = nullptr;
  int64_t evaluations_ = 0;
};

Batch Session::State::make_batch(const Request& request, const ProgressFn& progress,
                                 const Streams& of_rows) {
  const ModelDescription& description = model->description;
  const auto rows = static_cast<int64_t>(request.pictures.size());
  const bool own = !request.seeds.empty();
  int64_t noise_rows = noise_rows_of(request);
  if (request.again && !own) noise_rows = std::max(rows, request.again->noise_rows);
  Batch batch{
      .request = request,
      .progress = progress,
      .streams = own ? of_rows : streams,
      .latent_shape = {noise_rows, description.channels, request.batch.height / description.factor,
                       request.batch.width / description.factor},
      .record = {}};
  if (const auto& place = batch.drawn_at()) batch.record = *place;
  batch.record.seed = seed;
  batch.record.batch = rows;
  batch.record.noise_rows = own ? 1 : noise_rows;
  return batch;
}

Conditions Session::State::conditions(const Request& request, const ProgressFn& progress) {
  std::vector<std::string> prompts;
  std::vector<std::string> negative_prompts;
  for (const PictureSettings& picture : request.pictures) {
    prompts.push_back(picture.prompt);
    negative_prompts.push_back(picture.negative_prompt);
  }
  StageProgress stage(progress, Stage::kText, static_cast<int64_t>(2 * prompts.size()));
  const auto shown = [&](const std::vector<std::string>& of) {
    at::Tensor context = contexts.of(of, &stage);
    show("cond", context);
    return context;
  };
  Conditions of_both;  // the unconditional one first, as in the reference
  if (has_guidance(request)) of_both.uncond = shown(negative_prompts);
  of_both.cond = shown(prompts);
  return of_both;
}

/// The UNet under guidance. Between its blocks it looks whether the user wants to stop.
Denoiser Session::State::guided_unet(const SamplingPlan& plan, const Request& request,
                                     const Conditions& conditions) {
  std::vector<double> scales;
  for (const PictureSettings& picture : request.pictures) {
    scales.push_back(picture.scale * plan.sampler.guidance);
  }
  const EpsNetwork network =
      [this, pictures = std::ssize(request.pictures)](const at::Tensor& context) -> EpsModel {
    return [this, rows = context.size(0),
            parts = divided(networks.unet->prepare(context), pictures, ladder.unet_share())](
               const at::Tensor& x, double t) {
      if (tap) {
        tap("unet_x", repeat_rows(x, rows));
        tap("unet_t", at::full({rows}, t));
      }
      at::Tensor eps =
          unet_call(*networks.unet, x, t, parts,
                    [this](const std::string&, const at::Tensor&) { sampling_->poll(); });
      show("unet_eps", eps);
      ++evaluations_;
      return eps;
    };
  };
  return guided({.network = network,
                 .cond = conditions.cond,
                 .uncond = conditions.uncond,
                 .scales = scales,
                 .guides = guidance_of(plan, sampling_of(request))},
                model->policy.kernels);
}

/// What the encoder says of the init image: [1, 2C, h, w].
at::Tensor Session::State::moments(const Batch& batch) {
  const auto& image = batch.request.batch.init.image;
  const auto known = moments_.find(image);
  if (known != moments_.end()) return known->second;
  const StageProgress stage(batch.progress, Stage::kEncode, 1);
  const at::Tensor bytes = image_bytes(*image);
  show("init_image_u8", bytes);
  const at::Tensor x = bytes_to_tensor(bytes);
  const at::Tensor result = in_first_stage(
      "encode", stage, [&](const CoderWork& how) { return networks.coder->encode(x, how); });
  moments_.emplace(image, result);
  return result;
}

/// What work(how) gives, on the CPU: in strips, or as a whole. Again in strips where memory does
/// not suffice, and where the type is too narrow, in f32.
template <class Work>
at::Tensor Session::State::in_first_stage(const char* verb, const StageProgress& stage,
                                          const Work& work) {
  const auto done = [&] {
    return ladder.worked(verb, [&] {
      CoderWork how{.trace = [&](const std::string&, const at::Tensor&) { stage.poll(); }};
      if (ladder.in_strips()) how.strips = strips(stage, model->policy);
      return work(how).to(at::kCPU);
    });
  };
  at::Tensor result = done();
  if (networks.coder.widen(result)) result = done();
  return result;
}

/// A draw from those for every row; once a run, unless each row has a stream of its own.
at::Tensor Session::State::init_latent(Batch* batch) {
  Shared drawn;
  Shared& latent = batch->own_streams() ? drawn : latents_[batch->request.batch.init.image];
  const uint64_t offset = batch->record.latent_offset.value_or(latent.offset);
  if (!latent.value.defined() || latent.offset != offset ||
      latent.value.sizes() != at::IntArrayRef(batch->latent_shape)) {
    const at::Tensor all = moments(*batch).expand({batch->latent_shape[0], -1, -1, -1});
    show("moments", all);
    NoiseSource& noise = batch->streams.posterior();
    if (batch->record.latent_offset) noise.seek(*batch->record.latent_offset);
    latent.offset = noise.position();
    latent.value = networks.coder->latent(all, noise.normal(batch->latent_shape));
    show("init_latent", latent.value);
  }
  batch->record.latent_offset = latent.offset;
  return latent.value;
}

/// The noise that a batch starts from, or adds to its init image; leaves the stream where the
/// batch's own draws go on.
at::Tensor Session::State::start_noise(Batch* batch) {
  NoiseSource& noise = *batch->streams.draws;
  const auto& place = batch->drawn_at();
  if (!batch->request.fixed_code || batch->own_streams()) {
    if (place) noise.seek(place->offset);
    batch->record.offset = noise.position();
    return noise.normal(batch->latent_shape);
  }
  const uint64_t offset = place ? place->code_offset.value_or(0) : code_.offset;
  if (!code_.value.defined() || code_.offset != offset ||
      code_.value.sizes() != at::IntArrayRef(batch->latent_shape)) {
    if (place) noise.seek(offset);
    code_.offset = noise.position();
    code_.value = noise.normal(batch->latent_shape);
  }
  if (place) noise.seek(place->offset);
  batch->record.code_offset = code_.offset;
  batch->record.offset = noise.position();
  return code_.value;
}

/// Where sampling starts: noise, or the noised init image. [N, C, h, w].
at::Tensor Session::State::start(const SamplingPlan& plan, Batch* batch) {
  const auto of_batch = [&](const at::Tensor& all) { return all.narrow(0, 0, batch->rows()); };
  if (batch->request.batch.init.image == nullptr) {
    const at::Tensor noise = of_batch(start_noise(batch));
    return plan.start.sigma == 1 ? noise : noise * plan.start.sigma;
  }
  const at::Tensor latent = init_latent(batch);
  const at::Tensor noised = plan.start.alpha * latent + plan.start.sigma * start_noise(batch);
  show("z_enc", noised);
  return of_batch(noised);
}

/// A Brownian path a picture, where the sampler takes them.
std::vector<BrownianTree> Session::State::paths(const SamplingPlan& plan,
                                                const Batch& batch) const {
  std::vector<BrownianTree> paths;
  if (plan.sampler.noise != NoiseUse::kBrownian) return paths;
  const std::vector<int64_t> picture(batch.latent_shape.begin() + 1, batch.latent_shape.end());
  for (const uint64_t own : batch.request.seeds) {
    paths.emplace_back(rng, own, picture, static_cast<float>(plan.lowest),
                       static_cast<float>(plan.highest));
  }
  return paths;
}

/// From x, where sampling starts, to the latent [N, C, h, w].
at::Tensor Session::State::sample(const SamplingPlan& plan, const Batch& batch, const at::Tensor& x,
                                  StageProgress* progress, Denoiser* unet) {
  const Zone zone("sampler");
  DrawnNoise noise(*batch.streams.draws, batch.latent_shape, batch.rows(), x.device(),
                   paths(plan, batch));
  return run_sampler(plan, sampling_of(batch.request).knobs, x, *mix, &noise, unet,
                     [&](const StepState& state) {
                       show("step_x_prev", state.x);
                       show("step_pred_x0", state.pred_x0);
                       progress->step_done();
                     });
}

/// The latent [N, C, h, w] of a batch. Again with the same draws where memory does not suffice, on
/// less at a time, and where the UNet's type is too narrow, in f32.
at::Tensor Session::State::draw_latent(Batch* batch, Result* result) {
  const Request& request = batch->request;
  NoiseSource& draws = *batch->streams.draws;
  const SamplingPlan plan = plan_sampling(diffusion().schedule, sampling_of(request));
  const Conditions of_prompts = conditions(request, batch->progress);
  const at::Tensor x = start(plan, batch);
  const uint64_t position = draws.position();
  const auto sampled = [&] {
    Denoiser unet = guided_unet(plan, request, of_prompts);
    StageProgress stage(batch->progress, Stage::kSample, plan.total);
    sampling_ = &stage;
    if (draws.position() != position) draws.seek(position);
    const at::Tensor latent = sample(plan, *batch, x.to(model->policy.device), &stage, &unet);
    result->sample_seconds += stage.seconds();
    return latent;
  };
  const auto drawn = [&] { return ladder.drawn(sampled, [this] { unet_call.forget(); }); };
  at::Tensor latent = drawn();
  if (networks.unet.widen(latent)) latent = drawn();
  return latent;
}

/// Returns the seconds it took.
double Session::State::decode(const Batch& batch, const at::Tensor& latent,
                              const PictureFn& on_picture) {
  const auto& again = batch.request.again;
  StageProgress stage(batch.progress, Stage::kDecode, again ? 1 : latent.size(0));
  std::vector<at::Tensor> pictures;
  for (int64_t row = 0; row < latent.size(0); ++row) {  // one by one: memory for one
    if (again && row != again->row) continue;
    const at::Tensor z = latent.narrow(0, row, 1);
    const at::Tensor picture = in_first_stage(
        "decode", stage, [&](const CoderWork& how) { return networks.coder->decode(z, how); });
    const bool finite = at::isfinite(picture).all().item<bool>();
    if (!finite) {
      notice("a picture holds values that are not numbers: the model does not fit these flags");
    }
    DrawRecord record = batch.record;
    record.row = row;
    if (batch.own_streams()) record.seed = batch.request.seeds[static_cast<size_t>(row)];
    Image image = in_zone("picture", [&] { return tensor_to_image(picture[0]); });
    SafetyOutcome safety = in_zone("safety checker", [&] {
      return check_and_apply(model->safety_checker.get(), model->safety_mode, picture[0], image);
    });
    throw_if_cut();
    if (on_picture) on_picture({std::move(image), record, std::move(safety), finite});
    if (tap) pictures.push_back(picture);
    stage.step_done();
  }
  if (tap) tap("image", at::cat(pictures));
  return stage.seconds();
}

Result Session::State::generate(const Request& request, const PictureFn& on_picture,
                                const ProgressFn& progress) {
  check_request(model->description, request);
  const c10::InferenceMode inference;
  const Streams of_rows = request.seeds.empty() ? Streams{} : streams_of_rows(rng, request.seeds);
  Batch batch = make_batch(request, progress, of_rows);
  Result result;
  evaluations_ = 0;
  ladder.plan({.pictures = batch.rows(),
               .height = request.batch.height,
               .width = request.batch.width,
               .guided = has_guidance(request),
               .encodes = request.batch.init.image != nullptr});
  const at::Tensor latent = draw_latent(&batch, &result);
  result.evaluations = evaluations_;
  show("latent", latent);
  result.decode_seconds = decode(batch, latent, on_picture);
  return result;
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Result Session::generate(const Request& request, const PictureFn& on_picture,
                         const ProgressFn& progress) {
  return state_->generate(request, on_picture, progress);
}

void Session::set_tap(Tap tap) { state_->tap = std::move(tap); }

Session Pipeline::start(RngKind rng, uint64_t seed) const {
  auto state = std::make_unique<Session::State>(model_);
  state->rng = rng;
  state->seed = seed;
  state->streams = shared_streams(rng, seed);
  return Session(std::move(state));
}

}  // namespace sd
