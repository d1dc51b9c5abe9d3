// The web UI's recorded img2img runs. They start from a given latent, which no flag takes: what the
// program plans for them is drawn here with the networks.

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "kernels/table.h"
#include "models/families.h"
#include "models/latent_diffusion.h"
#include "pipeline/batch_noise.h"
#include "pipeline/contexts.h"
#include "pipeline/request_prompts.h"
#include "pipeline/request_sampling.h"
#include "runtime/exec_policy.h"
#include "support/denoisers.h"
#include "support/golden_tensor.h"
#include "support/webui_cases.h"

namespace sd::test {
using namespace kernels;
using namespace models;
using namespace pipeline;
using namespace runtime;
using namespace sampling;
using namespace text;
using namespace weights;

namespace {

std::vector<std::string> latent_cases() {
  std::vector<std::string> ids = webui_cases();
  std::erase_if(ids, [](const std::string& id) { return !WebUiCase(id).starts_from_latent(); });
  return ids;
}

class WebUiImg2Img : public testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() {
    if (latent_cases().empty()) return;
    const auto model = reference_dir() / "ckpt" / "sd-tiny";
    const auto source =
        one_file_source(open_checkpoint(model.string() + ".ckpt"),
                        read_model_config(model.string() + ".yaml"), WeightChoice::kPlain);
    model_ = std::make_unique<LatentDiffusion>(
        load_latent_diffusion(source, CoderParts::kBoth, ExecPolicy()));
    tokenizer_ = make_tokenizer(source.config);
  }
  static void TearDownTestSuite() {
    model_.reset();
    tokenizer_.reset();
  }

  /// The first context of a text, [1, T, width]; none of these changes in a run.
  static at::Tensor encoded(const std::string& text, const Request& request) {
    Networks networks(*model_);
    const EmbeddingSet none;
    Contexts contexts(*tokenizer_, none, {}, &networks);
    return contexts.of(text, timeline_of(request), request.batch.prompts)->at(0).unsqueeze(0);
  }

  /// The network under the guidance of the request's one picture.
  static Denoiser denoiser_of(const SamplingPlan& plan, const Request& request) {
    const EpsNetwork network = [](const at::Tensor& context) -> EpsModel {
      return [context](const at::Tensor& x, double t) {
        return (*model_->unet)(x.repeat({context.size(0), 1, 1, 1}), t, context);
      };
    };
    const PictureSettings& picture = request.pictures.front();
    return guided({.network = network,
                   .cond = encoded(picture.prompt, request),
                   .uncond = encoded(picture.negative_prompt, request),
                   .scales = {picture.scale},
                   .guides = guidance_of(plan, sampling_of(request))});
  }

  static std::unique_ptr<LatentDiffusion> model_;
  static std::unique_ptr<const Tokenizer> tokenizer_;
  c10::InferenceMode inference_;
};
std::unique_ptr<LatentDiffusion> WebUiImg2Img::model_;
std::unique_ptr<const Tokenizer> WebUiImg2Img::tokenizer_;

TEST_P(WebUiImg2Img, HasTheSameLatent) {
  const WebUiCase of(GetParam());
  const GoldenTensors golden = of.tensors();
  const auto tensor = [&](const char* name) { return tensor_of(golden.f32(name)); };
  const Request request = requests_of(of).at(0);
  const SamplingPlan plan = plan_sampling(model_->schedule, sampling_of(request));
  const at::Tensor latent = tensor("init_latent");
  BatchNoise place(request.noise, 1, latent[0].sizes().vec(), 8);
  const at::Tensor x = plan.start.alpha * latent + plan.start.sigma * place.start();
  std::vector<BrownianTree> paths;
  if (plan.sampler.noise == NoiseUse::kBrownian) paths = place.paths(plan.lowest, plan.highest);
  DrawnNoise noise(place.steps(), place.shape(), 1, at::kCPU, paths);
  Denoiser denoiser = denoiser_of(plan, request);
  const at::Tensor ours =
      run_sampler(plan, request.batch.knobs, x, *choose_kernel(mix_entries(), MixSpec{}, {}),
                  &noise, &denoiser, {});
  EXPECT_LE((ours - tensor("latent")).abs().max().item<double>(),
            std::max(5 * of.floor("latent"), 2e-4));
}

INSTANTIATE_TEST_SUITE_P(Recorded, WebUiImg2Img, testing::ValuesIn(latent_cases()),
                         webui_test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WebUiImg2Img);

}  // namespace
}  // namespace sd::test
