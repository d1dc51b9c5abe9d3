#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "models/unet_call.h"
#include "pipeline/model.h"
#include "pipeline/picture_tensor.h"
#include "pipeline/stage_progress.h"
#include "runtime/noise.h"
#include "runtime/profile.h"
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

/// A request that is being drawn.
struct Batch {
  const Request& request;
  const ProgressFn& progress;
  const Streams& streams;
  std::vector<int64_t> latent_shape;  // of the draws: [noise rows, C, h, w]
  DrawRecord record;

  int64_t rows() const { return static_cast<int64_t>(request.pictures.size()); }
  bool own_streams() const { return !request.seeds.empty(); }
};

}  // namespace

struct Session::State {
  explicit State(std::shared_ptr<const Pipeline::Model> of)
      : model(std::move(of)), unet_call(model->policy) {}

  std::shared_ptr<const Pipeline::Model> model;
  UNetCall unet_call;
  RngKind rng;
  uint64_t seed;
  Streams streams;
  Tap tap;

  Result generate(const Request& request, const PictureFn& on_picture, const ProgressFn& progress);

 private:
  const LatentDiffusion& diffusion() const { return model->diffusion; }
  Batch make_batch(const Request& request, const ProgressFn& progress, const Streams& of_rows);
  at::Tensor context(const std::vector<std::string>& prompts, StageProgress* progress);
  at::Tensor encode_prompt(const std::string& prompt);
  EpsModel guided_unet(const Request& request, const ProgressFn& progress);
  at::Tensor moments(const Batch& batch);
  at::Tensor init_latent(Batch* batch);
  at::Tensor start_noise(Batch* batch);
  at::Tensor start(Batch* batch);
  at::Tensor sample(Batch* batch, const EpsModel& eps, StageProgress* progress);
  double decode(const Batch& batch, const at::Tensor& latent, const PictureFn& on_picture);
  void show(const char* name, const at::Tensor& tensor) const {
    if (tap) tap(name, tensor);
  }

  std::map<std::string, at::Tensor> contexts_;                  // by prompt: [1, 77, width]
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
  int64_t noise_rows = own || request.noise_rows == 0 ? rows : request.noise_rows;
  if (request.again && !own) noise_rows = std::max(rows, request.again->noise_rows);
  Batch batch{
      .request = request,
      .progress = progress,
      .streams = own ? of_rows : streams,
      .latent_shape = {noise_rows, description.channels, request.height / description.factor,
                       request.width / description.factor},
      .record = request.again.value_or(DrawRecord{})};
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
  const int64_t vocab_size = diffusion().text_encoder->vocab_size();
  const int64_t largest = *std::max_element(tokens.ids.begin(), tokens.ids.end());
  if (largest >= vocab_size) {
    throw Error(ErrorKind::kCheckpoint,
                format("the prompt has the token %lld, and the model's vocabulary has %lld",
                       static_cast<long long>(largest), static_cast<long long>(vocab_size)),
                "the model was made for another tokenizer");
  }
  const at::Tensor ids = at::tensor(tokens.ids, at::kLong).unsqueeze(0);  // [1, 77]
  return diffusion().text_encoder->encode(ids);
}

/// The UNet under guidance. Between its blocks it looks whether the user wants to stop.
EpsModel Session::State::guided_unet(const Request& request, const ProgressFn& progress) {
  std::vector<std::string> prompts;
  std::vector<std::string> negative_prompts;
  std::vector<double> scales;
  for (const PictureSpec& picture : request.pictures) {
    prompts.push_back(picture.prompt);
    negative_prompts.push_back(picture.negative_prompt);
    scales.push_back(picture.scale);
  }
  StageProgress stage(progress, Stage::kText, static_cast<int64_t>(2 * prompts.size()));
  at::Tensor uncond;  // before the conditional one, as in the reference
  if (scales.front() != 1.0) uncond = context(negative_prompts, &stage);
  const at::Tensor cond = context(prompts, &stage);
  const EpsNetwork network = [this](const at::Tensor& context) -> EpsModel {
    return [this, prepared = diffusion().unet.prepare(context)](const at::Tensor& x, double t) {
      if (tap) {
        tap("unet_x", repeat_rows(x, prepared.rows));
        tap("unet_t", at::full({prepared.rows}, t));
      }
      at::Tensor eps =
          unet_call(diffusion().unet, x, t, prepared,
                    [this](const std::string&, const at::Tensor&) { sampling_->poll(); });
      show("unet_eps", eps);
      ++evaluations_;
      return eps;
    };
  };
  return guided(network, cond, uncond, scales);
}

/// What the encoder says of the init image: [1, 2C, h, w].
at::Tensor Session::State::moments(const Batch& batch) {
  const auto& image = batch.request.init_image;
  const auto known = moments_.find(image);
  if (known != moments_.end()) return known->second;
  const StageProgress stage(batch.progress, Stage::kEncode, 1);
  const at::Tensor bytes = image_bytes(*image);
  show("init_image_u8", bytes);
  at::Tensor result = diffusion().first_stage.moments(
      bytes_to_tensor(bytes), [&](const std::string&, const at::Tensor&) { stage.poll(); });
  moments_.emplace(image, result);
  return result;
}

/// A draw from those for every row; once a run, unless each row has a stream of its own.
at::Tensor Session::State::init_latent(Batch* batch) {
  Shared drawn;
  Shared& latent = batch->own_streams() ? drawn : latents_[batch->request.init_image];
  if (!latent.value.defined() || batch->request.again ||
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
  const auto& again = batch->request.again;
  if (!batch->request.fixed_code || batch->own_streams()) {
    if (again) noise.seek(again->offset);
    batch->record.offset = noise.position();
    return noise.normal(batch->latent_shape);
  }
  if (!code_.value.defined() || again ||
      code_.value.sizes() != at::IntArrayRef(batch->latent_shape)) {
    if (again) noise.seek(again->code_offset.value_or(0));
    code_.offset = noise.position();
    code_.value = noise.normal(batch->latent_shape);
  }
  if (again) noise.seek(again->offset);
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

/// Returns the latent [N, C, h, w].
at::Tensor Session::State::sample(Batch* batch, const EpsModel& eps, StageProgress* progress) {
  const Zone zone("sampler");
  const Request& request = batch->request;
  const SampleArgs args{.eps = eps,
                        .x = start(batch),
                        .schedule = diffusion().schedule,
                        .steps = request.steps,
                        .eta = request.eta,
                        .start = request.init_image ? steps_taken(model->description, request) : -1,
                        .noise = *batch->streams.draws,
                        .noise_rows = batch->latent_shape[0],
                        .on_step = [&](const StepState& state) {
                          show("step_x_prev", state.x);
                          show("step_pred_x0", state.pred_x0);
                          progress->step_done();
                        }};
  return find_sampler(request.sampler).sample(args);
}

/// Returns the seconds it took.
double Session::State::decode(const Batch& batch, const at::Tensor& latent,
                              const PictureFn& on_picture) {
  const auto& again = batch.request.again;
  StageProgress stage(batch.progress, Stage::kDecode, again ? 1 : latent.size(0));
  const TraceFn poll = [&](const std::string&, const at::Tensor&) { stage.poll(); };
  std::vector<at::Tensor> pictures;
  for (int64_t row = 0; row < latent.size(0); ++row) {  // one by one: memory for one
    if (again && row != again->row) continue;
    const at::Tensor picture = diffusion().decode(latent.narrow(0, row, 1), poll);  // [1, 3, H, W]
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
  const EpsModel eps = guided_unet(request, progress);
  StageProgress stage(progress, Stage::kSample, steps_taken(model->description, request));
  sampling_ = &stage;
  const at::Tensor latent = sample(&batch, eps, &stage);
  result.sample_seconds = stage.seconds();
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
