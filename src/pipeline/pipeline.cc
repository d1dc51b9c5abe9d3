#include "sd/pipeline.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "models/families.h"
#include "models/latent_diffusion.h"
#include "pipeline/describe.h"
#include "runtime/exec_policy.h"
#include "runtime/noise.h"
#include "sampling/sampler.h"
#include "sd/error.h"

namespace sd {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Reports one stage of a run, and stops the run when the caller asks for it.
class StageProgress {
 public:
  StageProgress(const ProgressFn& progress, Stage stage, int64_t total)
      : progress_(progress), stage_(stage), total_(static_cast<int>(total)) {
    poll();
  }

  void step_done() {
    ++step_;
    poll();
  }

  void poll() const {
    if (!progress_ || progress_({stage_, step_, total_, seconds_since(start_)})) return;
    throw Error(ErrorKind::kCancelled, "cancelled");
  }

  double seconds() const { return seconds_since(start_); }

 private:
  const ProgressFn& progress_;
  Stage stage_;
  int step_ = 0;
  int total_;
  Clock::time_point start_ = Clock::now();
};

/// [3, H, W] about [-1, 1] → 8 bits, as the reference: clamped, times 255, cut and not rounded.
Image to_image(const at::Tensor& picture) {
  const at::Tensor bytes = ((picture + 1.0) / 2.0)
                               .clamp(0.0, 1.0)
                               .mul(255.0)
                               .nan_to_num_(0)
                               .permute({1, 2, 0})
                               .to(at::kByte)
                               .contiguous();  // [H, W, 3]
  Image image(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)));
  std::copy_n(bytes.const_data_ptr<uint8_t>(), image.rgb.size(), image.rgb.begin());
  return image;
}

}  // namespace

struct Pipeline::Model {
  ExecPolicy policy;
  ModelDescription description;
  std::unique_ptr<const Tokenizer> tokenizer;
  LatentDiffusion diffusion;
};

struct Session::State {
  std::shared_ptr<const Pipeline::Model> model;
  std::unique_ptr<NoiseSource> noise;
  std::map<std::string, at::Tensor> contexts;  // by prompt: [1, 77, width]
  at::Tensor fixed_code;                       // of the first batch that asked for it
  Tap tap;

  Result generate(const Request& request, const ImageFn& on_image, const ProgressFn& progress);

 private:
  const LatentDiffusion& diffusion() const { return model->diffusion; }
  at::Tensor context(const std::vector<std::string>& prompts, StageProgress* progress);
  at::Tensor encode_prompt(const std::string& prompt);
  at::Tensor start_code(const std::vector<int64_t>& shape, bool fixed);
  EpsModel guided_unet(const Request& request, const ProgressFn& progress);
  at::Tensor sample(const Request& request, const EpsModel& eps, StageProgress* progress);
  double decode(const at::Tensor& latent, const ImageFn& on_image, const ProgressFn& progress);
  void show(const char* name, const at::Tensor& tensor) const {
    if (tap) tap(name, tensor);
  }

  // Of the request that is being drawn.
  const StageProgress* sampling_ = nullptr;
  int64_t evaluations_ = 0;
};

/// The prompts' contexts, one row each: [N, 77, width].
at::Tensor Session::State::context(const std::vector<std::string>& prompts,
                                   StageProgress* progress) {
  std::vector<at::Tensor> rows;
  for (const std::string& prompt : prompts) {
    auto known = contexts.find(prompt);
    if (known == contexts.end()) known = contexts.emplace(prompt, encode_prompt(prompt)).first;
    rows.push_back(known->second);
    progress->step_done();
  }
  at::Tensor together = at::cat(rows);
  show("cond", together);
  return together;
}

at::Tensor Session::State::encode_prompt(const std::string& prompt) {
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

at::Tensor Session::State::start_code(const std::vector<int64_t>& shape, bool fixed) {
  if (!fixed) return noise->normal(shape);
  if (!fixed_code.defined() || fixed_code.sizes() != at::IntArrayRef(shape)) {
    fixed_code = noise->normal(shape);
  }
  return fixed_code;
}

/// The UNet under guidance. Between its blocks it looks whether the user wants to stop.
EpsModel Session::State::guided_unet(const Request& request, const ProgressFn& progress) {
  const auto rows = request.prompts.size();
  StageProgress stage(progress, Stage::kText, static_cast<int64_t>(2 * rows));
  at::Tensor uncond;  // before the conditional one, as in the reference
  if (request.scale != 1.0) {
    uncond = context(std::vector<std::string>(rows, request.negative_prompt), &stage);
  }
  const at::Tensor cond = context(request.prompts, &stage);
  const EpsNetwork network = [this](const at::Tensor& context) -> EpsModel {
    return [this, prepared = diffusion().unet.prepare(context)](const at::Tensor& x, double t) {
      if (tap) {
        tap("unet_x", repeat_rows(x, prepared.rows));
        tap("unet_t", at::full({prepared.rows}, t));
      }
      at::Tensor eps = diffusion().unet(
          x, t, prepared, [this](const std::string&, const at::Tensor&) { sampling_->poll(); });
      show("unet_eps", eps);
      ++evaluations_;
      return eps;
    };
  };
  return guided(network, cond, uncond, request.scale);
}

/// Returns the latent [N, C, h, w].
at::Tensor Session::State::sample(const Request& request, const EpsModel& eps,
                                  StageProgress* progress) {
  const ModelDescription& description = model->description;
  const auto rows = static_cast<int64_t>(request.prompts.size());
  const int64_t noise_rows = request.noise_rows > 0 ? request.noise_rows : rows;
  const at::Tensor code =
      start_code({noise_rows, description.channels, request.height / description.factor,
                  request.width / description.factor},
                 request.fixed_code);
  const SampleArgs args{.eps = eps,
                        .x = code.narrow(0, 0, rows),
                        .schedule = diffusion().schedule,
                        .steps = request.steps,
                        .eta = request.eta,
                        .noise = *noise,
                        .noise_rows = noise_rows,
                        .on_step = [&](const StepState& state) {
                          show("step_x_prev", state.x);
                          show("step_pred_x0", state.pred_x0);
                          progress->step_done();
                        }};
  return find_sampler(request.sampler).sample(args);
}

/// Returns the seconds it took.
double Session::State::decode(const at::Tensor& latent, const ImageFn& on_image,
                              const ProgressFn& progress) {
  StageProgress stage(progress, Stage::kDecode, latent.size(0));
  const TraceFn poll = [&](const std::string&, const at::Tensor&) { stage.poll(); };
  std::vector<at::Tensor> pictures;
  for (int64_t i = 0; i < latent.size(0); ++i) {  // one by one: memory for one
    const at::Tensor picture = diffusion().decode(latent.narrow(0, i, 1), poll);  // [1, 3, H, W]
    if (!at::isfinite(picture).all().item<bool>()) {
      notice("a picture holds values that are not numbers: the model does not fit these flags");
    }
    if (on_image) on_image(to_image(picture[0]));
    if (tap) pictures.push_back(picture);
    stage.step_done();
  }
  if (tap) tap("image", at::cat(pictures));
  return stage.seconds();
}

Result Session::State::generate(const Request& request, const ImageFn& on_image,
                                const ProgressFn& progress) {
  check_request(model->description, request);
  const c10::InferenceMode inference;
  Result result;
  evaluations_ = 0;
  const EpsModel eps = guided_unet(request, progress);
  StageProgress stage(progress, Stage::kSample, steps_taken(model->description, request));
  sampling_ = &stage;
  const at::Tensor latent = sample(request, eps, &stage);
  result.sample_seconds = stage.seconds();
  result.evaluations = evaluations_;
  show("latent", latent);
  result.decode_seconds = decode(latent, on_image, progress);
  return result;
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Result Session::generate(const Request& request, const ImageFn& on_image,
                         const ProgressFn& progress) {
  return state_->generate(request, on_image, progress);
}

void Session::set_tap(Tap tap) { state_->tap = std::move(tap); }

Pipeline::Pipeline(std::shared_ptr<const Model> model) : model_(std::move(model)) {}
Pipeline::~Pipeline() = default;
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;

Pipeline Pipeline::load(const ModelPaths& paths, const DeviceOptions& device) {
  const c10::InferenceMode inference;
  ExecPolicy policy = resolve(device, probe_host());
  apply_threads(policy);
  notice(policy.reason);
  const ModelConfig config = read_model_config(paths.config);
  auto tokenizer = make_tokenizer(config);
  LatentDiffusion diffusion =
      load_latent_diffusion(open_checkpoint(paths.checkpoint), config, paths.weights,
                            Autoencoder::Parts::kDecoder, policy);
  return Pipeline(std::make_shared<const Model>(
      Model{std::move(policy), describe(config), std::move(tokenizer), std::move(diffusion)}));
}

const ModelDescription& Pipeline::description() const { return model_->description; }
bool Pipeline::ema() const { return model_->diffusion.ema; }

Session Pipeline::start(RngKind rng, uint64_t seed) const {
  auto state = std::make_unique<Session::State>();
  state->model = model_;
  state->noise = make_noise_source(rng, seed);
  return Session(std::move(state));
}

}  // namespace sd
