#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "models/unet_call.h"
#include "pipeline/draw_plan.h"
#include "pipeline/memory_ladder.h"
#include "pipeline/model.h"
#include "pipeline/picture_tensor.h"
#include "pipeline/stage_progress.h"
#include "runtime/noise.h"
#include "runtime/profile.h"
#include "runtime/tensor_memory.h"
#include "safety/safety_gate.h"
#include "sampling/sampler.h"
#include "sd/error.h"

namespace sd {
namespace {

/// The streams of one seed, or of a batch whose rows have one each.
struct Streams {
  std::unique_ptr<NoiseSource> draws;
  /// Of the init image's latent, which torch draws on the CPU whatever the device.
  std::unique_ptr<NoiseSource> on_cpu;

  /// With --rng cpu one stream serves both.
  NoiseSource& posterior() const { return on_cpu ? *on_cpu : *draws; }
};

Streams shared_streams(RngKind rng, uint64_t seed) {
  return {make_noise_source(rng, seed),
          rng == RngKind::kCpu ? nullptr : make_noise_source(RngKind::kCpu, seed)};
}

Streams streams_of_rows(RngKind rng, const std::vector<uint64_t>& seeds) {
  return {std::make_unique<RowsOfNoise>(rng, seeds),
          rng == RngKind::kCpu ? nullptr : std::make_unique<RowsOfNoise>(RngKind::kCpu, seeds)};
}

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

/// The autoencoder's work in strips: what others keep in memory makes room for it.
class InStrips {
 public:
  InStrips(const ExecPolicy& policy, const Checkpoint& checkpoint) : policy_(policy) {
    if (!policy_.device.is_cpu() || policy_.kernels.plain) return;
    checkpoint.release_memory();
    pool_tensor_memory(static_cast<size_t>(pool_limit_in_strips(policy_.kernels.memory)));
  }
  ~InStrips() {
    if (policy_.device.is_cpu()) apply_memory(policy_);
  }
  InStrips(const InStrips&) = delete;
  InStrips& operator=(const InStrips&) = delete;

 private:
  const ExecPolicy& policy_;
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
      : model(std::move(of)), unet_call(model->policy), ladder(*model->planner, model->policy) {}

  std::shared_ptr<const Pipeline::Model> model;
  UNetCall unet_call;
  MemoryLadder ladder;
  RngKind rng;
  uint64_t seed;
  Streams streams;
  Tap tap;

  Result generate(const Request& request, const PictureFn& on_picture, const ProgressFn& progress);

 private:
  const LatentDiffusion& diffusion() const { return model->diffusion; }
  const TextEncoder& text_encoder() const {
    return wide_text_encoder_ ? *wide_text_encoder_ : *diffusion().text_encoder;
  }
  const UNet& unet() const { return wide_unet_ ? *wide_unet_ : diffusion().unet; }
  const Autoencoder& first_stage() const {
    return wide_first_stage_ ? *wide_first_stage_ : diffusion().first_stage;
  }
  bool needs_wider(const at::Tensor& result, bool wide, at::ScalarType dtype,
                   const char* what) const;
  Batch make_batch(const Request& request, const ProgressFn& progress, const Streams& of_rows);
  at::Tensor context(const std::vector<std::string>& prompts, StageProgress* progress);
  at::Tensor encode_prompt(const std::string& prompt);
  Conditions conditions(const Request& request, const ProgressFn& progress);
  EpsModel guided_unet(const Request& request, const Conditions& conditions);
  at::Tensor moments(const Batch& batch);
  at::Tensor encode(const at::Tensor& x, const StageProgress& stage);
  at::Tensor init_latent(Batch* batch);
  at::Tensor start_noise(Batch* batch);
  at::Tensor start(Batch* batch);
  at::Tensor sample(const Batch& batch, const at::Tensor& x, const EpsModel& eps,
                    StageProgress* progress);
  at::Tensor draw_latent(Batch* batch, Result* result);
  at::Tensor decode_one(const at::Tensor& z, const StageProgress& stage);
  double decode(const Batch& batch, const at::Tensor& latent, const PictureFn& on_picture);
  void show(const char* name, const at::Tensor& tensor) const {
    if (tap) tap(name, tensor);
  }

  std::map<std::string, at::Tensor> contexts_;                  // by prompt: [1, 77, width]
  std::map<std::shared_ptr<const Image>, at::Tensor> moments_;  // [1, 2C, h, w]
  std::map<std::shared_ptr<const Image>, Shared> latents_;      // [noise rows, C, h, w]
  Shared code_;                                                 // likewise, with fixed_code

  // In f32, once the networks' own type was found too narrow.
  std::unique_ptr<const TextEncoder> wide_text_encoder_;
  std::optional<UNet> wide_unet_;
  std::optional<Autoencoder> wide_first_stage_;

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
      .latent_shape = {noise_rows, description.channels, request.height / description.factor,
                       request.width / description.factor},
      .record = {}};
  if (const auto& place = batch.drawn_at()) batch.record = *place;
  batch.record.seed = seed;
  batch.record.batch = rows;
  batch.record.noise_rows = own ? 1 : noise_rows;
  return batch;
}

/// The prompts' contexts, one row each: [N, 77, width].
at::Tensor Session::State::context(const std::vector<std::string>& prompts,
                                   StageProgress* progress) {
  std::vector<at::Tensor> rows;
  for (const std::string& prompt : prompts) {
    auto known = contexts_.find(prompt);
    if (known == contexts_.end()) known = contexts_.emplace(prompt, encode_prompt(prompt)).first;
    rows.push_back(known->second);
    progress->step_done();
  }
  at::Tensor together = at::cat(rows);
  show("cond", together);
  return together;
}

at::Tensor Session::State::encode_prompt(const std::string& prompt) {
  const Zone zone("text encoder");
  const Tokens tokens = model->tokenizer->encode(prompt);
  if (!tokens.lost.empty()) {
    notice(format("the prompt is %lld tokens too long: the model does not see \"%s\"",
                  static_cast<long long>(tokens.lost_tokens), printable(tokens.lost, 400).c_str()));
  }
  const int64_t vocab_size = text_encoder().vocab_size();
  const int64_t largest = *std::max_element(tokens.ids.begin(), tokens.ids.end());
  if (largest >= vocab_size) {
    throw Error(ErrorKind::kCheckpoint,
                format("the prompt has the token %lld, and the model's vocabulary has %lld",
                       static_cast<long long>(largest), static_cast<long long>(vocab_size)),
                "the model was made for another tokenizer");
  }
  const at::Tensor ids = at::tensor(tokens.ids, at::kLong).unsqueeze(0);  // [1, 77]
  at::Tensor encoded = text_encoder().encode(ids);
  if (needs_wider(encoded, wide_text_encoder_ != nullptr, diffusion().policy.dtype,
                  "the text encoder")) {
    wide_text_encoder_ = diffusion().text_encoder_as(at::kFloat);
    encoded = text_encoder().encode(ids);
  }
  return encoded;
}

/// Whether a network's result holds values that are not numbers though its type could be wider;
/// says so then. (A latent that lost its numbers in some step does not find them again: it is
/// enough to look at the last.)
bool Session::State::needs_wider(const at::Tensor& result, bool wide, at::ScalarType dtype,
                                 const char* what) const {
  if (wide || dtype == at::kFloat || at::isfinite(result).all().item<bool>()) return false;
  notice(format("%s went beyond what %s can hold: computed again, and from now on, in float32",
                what, dtype == at::kHalf ? "float16" : "bfloat16"));
  return true;
}

Conditions Session::State::conditions(const Request& request, const ProgressFn& progress) {
  std::vector<std::string> prompts;
  std::vector<std::string> negative_prompts;
  for (const PictureSpec& picture : request.pictures) {
    prompts.push_back(picture.prompt);
    negative_prompts.push_back(picture.negative_prompt);
  }
  StageProgress stage(progress, Stage::kText, static_cast<int64_t>(2 * prompts.size()));
  Conditions of_both;  // the unconditional one first, as in the reference
  if (request.pictures.front().scale != 1.0) of_both.uncond = context(negative_prompts, &stage);
  of_both.cond = context(prompts, &stage);
  return of_both;
}

/// The UNet under guidance. Between its blocks it looks whether the user wants to stop.
EpsModel Session::State::guided_unet(const Request& request, const Conditions& conditions) {
  std::vector<double> scales;
  for (const PictureSpec& picture : request.pictures) scales.push_back(picture.scale);
  const EpsNetwork network =
      [this, pictures = std::ssize(request.pictures)](const at::Tensor& context) -> EpsModel {
    return [this, rows = context.size(0),
            parts = divided(unet().prepare(context), pictures, ladder.unet_share())](
               const at::Tensor& x, double t) {
      if (tap) {
        tap("unet_x", repeat_rows(x, rows));
        tap("unet_t", at::full({rows}, t));
      }
      at::Tensor eps =
          unet_call(unet(), x, t, parts,
                    [this](const std::string&, const at::Tensor&) { sampling_->poll(); });
      show("unet_eps", eps);
      ++evaluations_;
      return eps;
    };
  };
  return guided(network, conditions.cond, conditions.uncond, scales, model->policy.kernels);
}

/// What the encoder says of the init image: [1, 2C, h, w].
at::Tensor Session::State::moments(const Batch& batch) {
  const auto& image = batch.request.init_image;
  const auto known = moments_.find(image);
  if (known != moments_.end()) return known->second;
  const StageProgress stage(batch.progress, Stage::kEncode, 1);
  const at::Tensor bytes = image_bytes(*image);
  show("init_image_u8", bytes);
  const at::Tensor x = bytes_to_tensor(bytes);
  at::Tensor result = encode(x, stage).to(at::kCPU);
  if (needs_wider(result, wide_first_stage_.has_value(), diffusion().policy.vae_dtype,
                  "the autoencoder")) {
    wide_first_stage_ = diffusion().first_stage_as(at::kFloat);
    result = encode(x, stage).to(at::kCPU);
  }
  moments_.emplace(image, result);
  return result;
}

at::Tensor Session::State::encode(const at::Tensor& x, const StageProgress& stage) {
  return ladder.worked("encode", [&] {
    if (ladder.in_strips()) {
      const InStrips memory(model->policy, *diffusion().checkpoint);
      return first_stage().moments(x, strips(stage, model->policy));
    }
    return first_stage().moments(x, [&](const std::string&, const at::Tensor&) { stage.poll(); });
  });
}

/// A draw from those for every row; once a run, unless each row has a stream of its own.
at::Tensor Session::State::init_latent(Batch* batch) {
  Shared drawn;
  Shared& latent = batch->own_streams() ? drawn : latents_[batch->request.init_image];
  const uint64_t offset = batch->record.latent_offset.value_or(latent.offset);
  if (!latent.value.defined() || latent.offset != offset ||
      latent.value.sizes() != at::IntArrayRef(batch->latent_shape)) {
    const at::Tensor all = moments(*batch).expand({batch->latent_shape[0], -1, -1, -1});
    show("moments", all);
    NoiseSource& noise = batch->streams.posterior();
    if (batch->record.latent_offset) noise.seek(*batch->record.latent_offset);
    latent.offset = noise.position();
    latent.value =
        sample_posterior(all, noise.normal(batch->latent_shape)) * diffusion().scale_factor;
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
at::Tensor Session::State::start(Batch* batch) {
  const Request& request = batch->request;
  if (request.init_image == nullptr) return start_noise(batch).narrow(0, 0, batch->rows());
  const at::Tensor latent = init_latent(batch);
  const DdimSchedule schedule =
      make_ddim_schedule(diffusion().schedule, request.steps, request.eta);
  const at::Tensor noised = stochastic_encode(
      schedule, static_cast<int64_t>(request.strength * static_cast<double>(request.steps)), latent,
      start_noise(batch));
  show("z_enc", noised);
  return noised.narrow(0, 0, batch->rows());
}

/// From x, where sampling starts, to the latent [N, C, h, w].
at::Tensor Session::State::sample(const Batch& batch, const at::Tensor& x, const EpsModel& eps,
                                  StageProgress* progress) {
  const Zone zone("sampler");
  const Request& request = batch.request;
  const SampleArgs args{.eps = eps,
                        .x = x,
                        .schedule = diffusion().schedule,
                        .steps = request.steps,
                        .eta = request.eta,
                        .start = request.init_image ? steps_taken(model->description, request) : -1,
                        .noise = *batch.streams.draws,
                        .noise_rows = batch.latent_shape[0],
                        .on_step = [&](const StepState& state) {
                          show("step_x_prev", state.x);
                          show("step_pred_x0", state.pred_x0);
                          progress->step_done();
                        }};
  return find_sampler(request.sampler).sample(args);
}

/// The latent [N, C, h, w] of a batch. Again with the same draws where memory does not suffice, on
/// less at a time, and where the UNet's type is too narrow, in f32.
at::Tensor Session::State::draw_latent(Batch* batch, Result* result) {
  const Request& request = batch->request;
  NoiseSource& draws = *batch->streams.draws;
  const Conditions of_prompts = conditions(request, batch->progress);
  const at::Tensor x = start(batch);
  const uint64_t position = draws.position();
  const auto sampled = [&] {
    const EpsModel eps = guided_unet(request, of_prompts);
    StageProgress stage(batch->progress, Stage::kSample, steps_taken(model->description, request));
    sampling_ = &stage;
    if (draws.position() != position) draws.seek(position);
    const at::Tensor latent = sample(*batch, x.to(model->policy.device), eps, &stage);
    result->sample_seconds += stage.seconds();
    return latent;
  };
  const auto drawn = [&] { return ladder.drawn(sampled, [this] { unet_call.forget(); }); };
  at::Tensor latent = drawn();
  if (needs_wider(latent, wide_unet_.has_value(), diffusion().policy.dtype, "the UNet")) {
    wide_unet_ = diffusion().unet_as(at::kFloat);
    latent = drawn();
  }
  return latent;
}

/// [1, C, h, w] → [1, 3, H, W], on the CPU.
at::Tensor Session::State::decode_one(const at::Tensor& z, const StageProgress& stage) {
  const at::Tensor scaled = z * (1.0 / diffusion().scale_factor);
  const auto decoded = [&] {
    if (ladder.in_strips()) {
      const InStrips memory(model->policy, *diffusion().checkpoint);
      return first_stage().decode(scaled, strips(stage, model->policy)).to(at::kCPU);
    }
    const TraceFn poll = [&](const std::string&, const at::Tensor&) { stage.poll(); };
    return first_stage().decode(scaled, poll).to(at::kCPU);
  };
  at::Tensor picture = ladder.worked("decode", decoded);
  if (needs_wider(picture, wide_first_stage_.has_value(), diffusion().policy.vae_dtype,
                  "the autoencoder")) {
    wide_first_stage_ = diffusion().first_stage_as(at::kFloat);
    picture = ladder.worked("decode", decoded);
  }
  return picture;
}

/// Returns the seconds it took.
double Session::State::decode(const Batch& batch, const at::Tensor& latent,
                              const PictureFn& on_picture) {
  const auto& again = batch.request.again;
  StageProgress stage(batch.progress, Stage::kDecode, again ? 1 : latent.size(0));
  std::vector<at::Tensor> pictures;
  for (int64_t row = 0; row < latent.size(0); ++row) {  // one by one: memory for one
    if (again && row != again->row) continue;
    const at::Tensor picture = decode_one(latent.narrow(0, row, 1), stage);
    if (!at::isfinite(picture).all().item<bool>()) {
      notice("a picture holds values that are not numbers: the model does not fit these flags");
    }
    DrawRecord record = batch.record;
    record.row = row;
    if (batch.own_streams()) record.seed = batch.request.seeds[static_cast<size_t>(row)];
    Image image = in_zone("picture", [&] { return tensor_to_image(picture[0]); });
    SafetyOutcome safety = in_zone("safety checker", [&] {
      return check_and_apply(model->safety_checker.get(), model->safety_mode, picture[0], image);
    });
    if (on_picture) on_picture({std::move(image), record, std::move(safety)});
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
               .height = request.height,
               .width = request.width,
               .guided = request.pictures.front().scale != 1,
               .encodes = request.init_image != nullptr});
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
