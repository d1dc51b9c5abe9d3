#include <ATen/ATen.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include "base/log.h"
#include "image/resize.h"
#include "kernels/table.h"
#include "models/unet_call.h"
#include "pipeline/adapted_networks.h"
#include "pipeline/batch_noise.h"
#include "pipeline/conditioning.h"
#include "pipeline/contexts.h"
#include "pipeline/encode_prompts.h"
#include "pipeline/first_stage.h"
#include "pipeline/hires.h"
#include "pipeline/inpainting.h"
#include "pipeline/known_embeddings.h"
#include "pipeline/memory_ladder.h"
#include "pipeline/model.h"
#include "pipeline/networks.h"
#include "pipeline/noise_plan.h"
#include "pipeline/picture_tensor.h"
#include "pipeline/preview.h"
#include "pipeline/probable_cause.h"
#include "pipeline/request_load.h"
#include "pipeline/request_prompts.h"
#include "pipeline/request_sampling.h"
#include "pipeline/second_latent.h"
#include "pipeline/stage_progress.h"
#include "pipeline/start_latent.h"
#include "runtime/computing.h"
#include "runtime/profile.h"
#include "safety/safety_gate.h"
#include "sd/error.h"

namespace sd {
namespace {

/// A request that is being drawn.
struct Batch {
  const Request& request;
  const ProgressFn& progress;
  pipeline::BatchNoise noise;
  sampling::SamplingSettings sampling;
  text::PromptTimeline timeline;
  Workload load;  ///< as its settings tell
  /// Makes the latent [N, C, h, w] that a second pass starts from; empty: it is the first.
  std::function<at::Tensor()> make_given = {};

  int64_t rows() const { return static_cast<int64_t>(request.pictures.size()); }
};

/// The rows that a request keeps.
std::vector<int64_t> kept_rows(const Request& request) {
  if (!request.keep.empty()) return request.keep;
  std::vector<int64_t> all(request.pictures.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  return all;
}

std::vector<double> times_of(const sampling::Levels& levels) {
  std::vector<double> times;
  for (const sampling::Level& level : levels) times.push_back(level.t);
  return times;
}

/// Whether a sampler's levels are times of the training schedule, and not sigmas.
bool counts_in_times(sampling::Grid grid) {
  return grid != sampling::Grid::kSigmas && grid != sampling::Grid::kEnds;
}

}  // namespace

struct Session::State {
  explicit State(std::shared_ptr<const Pipeline::Model> of)
      : model(std::move(of)),
        networks(model->diffusion),
        embeddings(model->embeddings, model->diffusion.text_encoder->width(),
                   model->adapters.get()),
        contexts(*model->tokenizer, embeddings.set(), model->embedding_names, &networks),
        mix(kernels::choose_kernel(kernels::mix_entries(), kernels::MixSpec{},
                                   model->policy.kernels)),
        unet_call(model->policy),
        adapted(model->diffusion, model->policy, model->adapters.get(),
                [this](const pipeline::ChangedNetworks& changed) { forget(changed); }),
        ladder(*model->planner, model->policy, model->diffusion.source,
               [this] { return unet_call.forget(); }),
        first_stage(model->policy, &networks, &ladder) {}

  std::shared_ptr<const Pipeline::Model> model;
  pipeline::Networks networks;
  pipeline::KnownEmbeddings embeddings;
  pipeline::Contexts contexts;
  std::unique_ptr<const kernels::MixKernel> mix;
  models::UNetCall unet_call;
  pipeline::AdaptedNetworks adapted;
  pipeline::MemoryLadder ladder;
  pipeline::FirstStage first_stage;
  Tap tap;

  Result generate(const Request& request, const PictureFn& on_picture, const ProgressFn& progress);

 private:
  const models::LatentDiffusion& diffusion() const { return model->diffusion; }
  void forget(const pipeline::ChangedNetworks& changed);
  void advise(const Request& request) const;
  void adapt(const std::vector<LoraUse>& loras);
  Batch make_batch(const Request& request, const Workload& load, const ProgressFn& progress);
  Batch make_second(const Batch& first, const Request& second, const Workload& load,
                    const at::Tensor& latent);
  sampling::EpsModel unet_under(const at::Tensor& context, int64_t n);
  sampling::Denoiser guided_unet(const sampling::SamplingPlan& plan, const Batch& batch,
                                 const pipeline::Conditioning& conditioning);
  at::Tensor network_input(const at::Tensor& x) const;
  at::Tensor sample(const sampling::SamplingPlan& plan, Batch* batch, const at::Tensor& x,
                    pipeline::StageProgress* progress, sampling::Denoiser* unet);
  at::Tensor draw_latent(const pipeline::Conditioning& prompts, Batch* batch, Result* result);
  Image preview(const Batch& batch, const at::Tensor& x0) const;
  at::Tensor draw_pass(Batch* batch, Result* result);
  at::Tensor checked_picture(const at::Tensor& picture) const;
  double decode(const Batch& batch, const at::Tensor& latent, const PictureFn& on_picture);
  void show(const char* name, const at::Tensor& tensor) const {
    if (tap) tap(name, tensor);
  }

  // Of the request that is being drawn.
  const pipeline::StageProgress* sampling_ = nullptr;
  pipeline::LatentMask mask_;
  bool blends_input_ = false;  // whether the UNet sees what is kept without noise
  int64_t evaluations_ = 0;
};

/// What networks computed that are about to become others.
void Session::State::forget(const pipeline::ChangedNetworks& changed) {
  if (changed.text_encoder) contexts.forget();
  if (changed.unet) unet_call.forget();
}

Batch Session::State::make_batch(const Request& request, const Workload& load,
                                 const ProgressFn& progress) {
  const ModelDescription& description = model->description;
  const std::vector<int64_t> picture = {description.channels,
                                        request.batch.height / description.factor,
                                        request.batch.width / description.factor};
  return {request,
          progress,
          pipeline::BatchNoise(request.noise, std::ssize(request.pictures), picture,
                               description.factor),
          pipeline::sampling_of(request),
          pipeline::timeline_of(request),
          load};
}

/// The UNet under a context [k·n, T, width]. Between its blocks it looks whether the user wants to
/// stop.
sampling::EpsModel Session::State::unet_under(const at::Tensor& context, int64_t n) {
  return [this, rows = context.size(0),
          parts = models::divided(networks.unet->prepare(context), n, ladder.unet_share())](
             const at::Tensor& x, double t) {
    if (tap) {
      tap("unet_x", nn::repeat_rows(x, rows));
      tap("unet_t", at::full({rows}, t));
    }
    at::Tensor eps =
        unet_call(*networks.unet, x, t, parts,
                  [this](const std::string&, const at::Tensor&) { sampling_->poll(); });
    show("unet_eps", eps);
    return eps;
  };
}

sampling::Denoiser Session::State::guided_unet(const sampling::SamplingPlan& plan,
                                               const Batch& batch,
                                               const pipeline::Conditioning& conditioning) {
  const Request& request = batch.request;
  const auto unet = std::make_shared<pipeline::ConditionedUNet>(
      conditioning,
      [this](const at::Tensor& context, int64_t n) { return unet_under(context, n); });
  sampling::ConditionedNetwork network{
      .answer =
          [this, unet](const at::Tensor& x, double t, const sampling::Evaluation& at, bool guided) {
            ++evaluations_;
            return (*unet)(network_input(x), t, at.number, guided);
          },
      .scales = {}};
  network.guides = sampling::guidance_of(plan, batch.sampling);
  network.device = model->policy.device;
  if (diffusion().source.config.predicts_v) network.predicts = sampling::Predicts::kV;
  for (const PictureSettings& picture : request.pictures) {
    if (conditioning.guided()) network.scales.push_back(picture.scale * plan.sampler.guidance);
  }
  sampling::Denoiser denoiser = sampling::guided(std::move(network), model->policy.kernels);
  const bool webui = pipeline::has_mode(request.batch, InpaintMode::kWebui);
  if (webui && !blends_input_) denoiser.edit(pipeline::keep_predicted(mask_));
  return denoiser;
}

/// What the UNet reads of a latent: with what is kept in it as it is, and with further channels,
/// where the request has them.
at::Tensor Session::State::network_input(const at::Tensor& x) const {
  const at::Tensor input = blends_input_ ? mask_.blend(x) : x;
  return mask_.concat.defined() ? at::cat({input, mask_.concat}, 1) : input;
}

/// From x, where sampling starts, to the latent [N, C, h, w].
at::Tensor Session::State::sample(const sampling::SamplingPlan& plan, Batch* batch,
                                  const at::Tensor& x, pipeline::StageProgress* progress,
                                  sampling::Denoiser* unet) {
  const runtime::Zone zone("sampler");
  std::vector<sampling::BrownianTree> paths;
  if (plan.sampler.noise == sampling::NoiseUse::kBrownian) {
    paths = batch->noise.paths(plan.lowest, plan.highest);
  }
  sampling::DrawnNoise noise(batch->noise.steps(), batch->noise.shape(), batch->rows(), x.device(),
                             std::move(paths));
  const bool is_ldm = pipeline::has_mode(batch->request.batch, InpaintMode::kLdm);
  return sampling::run_sampler(
      plan, batch->request.batch.knobs, x, *mix, &noise, unet,
      [&](const sampling::StepState& state) {
        show("step_x_prev", state.x);
        show("step_pred_x0", state.pred_x0);
        progress->step_done([&, x0 = state.pred_x0] { return preview(*batch, x0); });
      },
      is_ldm ? pipeline::keep_noised(mask_, *mix) : sampling::BeginFn());
}

/// What a batch's pictures look like so far, side by side. `x0`: as they are predicted.
Image Session::State::preview(const Batch& batch, const at::Tensor& x0) const {
  const BatchSettings& settings = batch.request.batch;
  std::vector<Image> pictures;
  for (const int64_t row : kept_rows(batch.request)) {
    const at::Tensor z = x0.narrow(0, row, 1);
    const at::Tensor picture = diffusion().source.config.taesd
                                   ? networks.coder->decode(z, {})
                                   : pipeline::linear_preview(z.to(at::kCPU));
    pictures.push_back(image::resize(pipeline::tensor_to_image(picture[0]), settings.width,
                                     settings.height, image::ResizeFilter::kBicubic));
  }
  return pipeline::side_by_side(pictures);
}

/// The latent [N, C, h, w] of a batch. Again with the same draws where memory does not suffice, on
/// less at a time, and where the UNet's type is too narrow, in f32.
at::Tensor Session::State::draw_latent(const pipeline::Conditioning& prompts, Batch* batch,
                                       Result* result) {
  const sampling::SamplingPlan plan =
      sampling::plan_sampling(diffusion().schedule, batch->sampling);
  const bool webui = pipeline::has_mode(batch->request.batch, InpaintMode::kWebui);
  const pipeline::StartLatent start = pipeline::start_latent(
      {model->description, plan, batch->request, batch->progress, batch->make_given, tap},
      &batch->noise, &first_stage);
  mask_ = start.mask.on(model->policy.device);
  blends_input_ = webui && counts_in_times(plan.sampler.grid);
  const auto sample_once = [&] {
    sampling::Denoiser unet = guided_unet(plan, *batch, prompts);
    pipeline::StageProgress stage(batch->progress, Stage::kSample, plan.total,
                                  model->policy.device);
    sampling_ = &stage;
    batch->noise.rewind();
    unet_call.expect(*networks.unet, times_of(plan.levels));
    const at::Tensor latent = sample(plan, batch, start.x.to(model->policy.device), &stage, &unet);
    stage.finish();
    result->sample_seconds += stage.seconds();
    return latent;
  };
  const auto draw = [&] { return ladder.run_unet(sample_once); };
  at::Tensor latent = draw();
  if (networks.unet.widen(latent)) latent = draw();
  if (webui) latent = mask_.blend(latent);
  return latent;
}

/// A picture as the safety checker sees it, where there is one: it computes on the processor.
at::Tensor Session::State::checked_picture(const at::Tensor& picture) const {
  return model->safety_mode == SafetyMode::kOff ? picture : picture.to(at::kCPU);
}

/// Returns the seconds it took.
double Session::State::decode(const Batch& batch, const at::Tensor& latent,
                              const PictureFn& on_picture) {
  const std::vector<int64_t> rows = kept_rows(batch.request);
  pipeline::StageProgress stage(batch.progress, Stage::kDecode, std::ssize(rows));
  std::vector<at::Tensor> pictures;
  for (const int64_t row : rows) {  // one by one: memory for one
    const at::Tensor z = latent.narrow(0, row, 1);
    const at::Tensor picture = first_stage.decode_there(z, stage);
    const bool finite = at::isfinite(picture).all().item<bool>();
    const std::string cause = finite ? "" : pipeline::probable_cause(batch.request, row);
    if (!finite) {
      notice("a picture holds values that are not numbers: " +
             (cause.empty() ? "the model does not fit these flags" : "probably for " + cause));
    }
    const InitSettings& init = batch.request.batch.init;
    Image image = runtime::in_zone("picture", [&] {
      return pipeline::with_kept(pipeline::tensor_to_image(picture[0]), init);
    });
    SafetyOutcome safety = runtime::in_zone("safety checker", [&] {
      const at::Tensor seen = init.inpainting
                                  ? pipeline::bytes_to_tensor(pipeline::image_bytes(image))[0]
                                  : checked_picture(picture[0]);
      return safety::check_and_apply(model->safety_checker.get(), model->safety_mode, seen, image);
    });
    runtime::throw_if_cut();
    if (on_picture)
      on_picture({std::move(image), pipeline::draw_record(batch.request, row), std::move(safety),
                  finite, cause});
    if (tap) pictures.push_back(picture.to(at::kCPU));
    stage.step_done();
  }
  if (tap) tap("image", at::cat(pictures));
  return stage.seconds();
}

/// One pass from its prompts to the latent [N, C, h, w].
at::Tensor Session::State::draw_pass(Batch* batch, Result* result) {
  const Request& request = batch->request;
  const pipeline::Conditioning prompts =
      pipeline::encode_prompts(request, batch->timeline, batch->progress, &contexts);
  if (tap) {
    for (const at::Tensor& context : pipeline::first_contexts(prompts)) show("cond", context);
  }
  Workload load = batch->load;
  load.adapted = adapted.bytes();
  load.chunks = prompts.longest() / text::kMaxTokens;
  ladder.plan(load);
  return draw_latent(prompts, batch, result);
}

Batch Session::State::make_second(const Batch& first, const Request& second, const Workload& load,
                                  const at::Tensor& latent) {
  Batch batch = make_batch(second, load, first.progress);
  batch.sampling = pipeline::second_sampling(first.request, second);
  batch.timeline = pipeline::timeline_of(second, first.timeline.steps);
  batch.make_given = [this, &first, latent] {
    const at::Tensor given = pipeline::second_latent(
        {first.request, model->description.factor, first.progress}, latent, &first_stage);
    show("hires_init", given);
    return given;
  };
  return batch;
}

/// From now on the networks have these adapters, and texts the words in their files.
void Session::State::adapt(const std::vector<LoraUse>& loras) {
  adapted.use(loras, &networks);
  if (embeddings.use(loras)) contexts.use(embeddings.set());
}

/// Says how the adapters want to be drawn with, if they are not.
void Session::State::advise(const Request& request) const {
  for (const LoraUse& use : request.batch.loras) {
    model->adapters->advise(use.file, {.sampler = request.batch.sampler,
                                       .steps = request.batch.steps,
                                       .scale = request.pictures.front().scale});
  }
}

Result Session::State::generate(const Request& request, const PictureFn& on_picture,
                                const ProgressFn& progress) {
  check_request(model->description, request);
  const runtime::Computing computing(model->policy.device);
  const std::vector<Workload> loads = pipeline::loads_of(model->description, request);
  Batch batch = make_batch(request, loads.front(), progress);
  Result result;
  evaluations_ = 0;
  advise(request);
  adapt(request.batch.loras);
  at::Tensor latent = draw_pass(&batch, &result);
  if (request.batch.hires.on()) {
    show("first_latent", latent);
    const Request second = pipeline::second_pass(request, model->description.factor);
    adapt(second.batch.loras);  // each pass has its own, as in the web UI
    Batch larger = make_second(batch, second, loads.back(), latent);
    latent = draw_pass(&larger, &result);
  }
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

Session Pipeline::start() const { return Session(std::make_unique<Session::State>(model_)); }

}  // namespace sd
