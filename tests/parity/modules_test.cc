// The networks one by one against the reference's modules, block by block.

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "models/autoencoder.h"
#include "models/latent_diffusion.h"
#include "runtime/exec_policy.h"
#include "support/golden_tensor.h"
#include "support/parity.h"

namespace sd::test {
using namespace models;
using namespace runtime;
using namespace sampling;
using namespace weights;

namespace {

LatentDiffusion load_tiny(const std::string& name) {
  const auto folder = reference_dir() / "ckpt";
  ExecPolicy policy;
  const auto source =
      one_file_source(open_checkpoint((folder / (name + ".ckpt")).string()),
                      read_model_config(folder / (name + ".yaml")), WeightChoice::kPlain);
  return load_latent_diffusion(source, CoderParts::kBoth, policy);
}

/// The model's autoencoder, on latents that are not scaled.
Autoencoder autoencoder_of(const LatentDiffusion& model) {
  const WeightView root(model.source.coder.file);
  return Autoencoder(root[model.source.coder.scope], model.source.config.first_stage,
                     CoderParts::kBoth, ExecPolicy().kernels);
}

class Modules : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!std::filesystem::exists(reference_dir() / "cases")) return;
    goldens_ = std::make_unique<GoldenTensors>(reference_dir() / "modules.safetensors");
    model_ = std::make_unique<LatentDiffusion>(load_tiny("sd-tiny"));
  }
  static void TearDownTestSuite() {
    goldens_.reset();
    model_.reset();
  }
  void SetUp() override { SD_NEEDS_REFERENCE(); }

  static at::Tensor golden(const std::string& name) { return tensor_of(goldens_->f32(name)); }

  /// Every golden whose name starts with `prefix` must have been seen under the rest of its name.
  static void compare_all(const std::string& prefix, const std::map<std::string, at::Tensor>& seen,
                          double tolerance, ParityRecord* record) {
    int compared = 0;
    for (const std::string& name : goldens_->names()) {
      if (name.rfind(prefix, 0) != 0) continue;
      const auto found = seen.find(name.substr(prefix.size()));
      if (found == seen.end()) continue;
      SCOPED_TRACE(name);
      // Hidden values reach 60: what counts is the error against the largest.
      const double scale = std::max(1.0, golden(name).abs().max().item<double>());
      const double difference = max_difference(found->second, golden(name)) / scale;
      EXPECT_LE(difference, tolerance);
      record->add(prefix, difference);
      ++compared;
    }
    EXPECT_GT(compared, 0);
  }

  static std::unique_ptr<GoldenTensors> goldens_;
  static std::unique_ptr<LatentDiffusion> model_;
  c10::InferenceMode inference_;
};

std::unique_ptr<GoldenTensors> Modules::goldens_;
std::unique_ptr<LatentDiffusion> Modules::model_;

TEST_F(Modules, ScheduleIsTheCheckpoints) {
  const auto values = goldens_->f32("schedule.alphas_cumprod");
  EXPECT_EQ(model_->schedule.alphas_cumprod(), values.data);
}

TEST_F(Modules, ComputedScheduleIsTheReferences) {
  const auto values = goldens_->f32("schedule.alphas_cumprod");
  EXPECT_EQ(NoiseSchedule::linear(0.00085, 0.012, 1000).alphas_cumprod(), values.data);
}

TEST_F(Modules, ClipTextLayerByLayer) {
  const auto ids = goldens_->i64("clip.tokens");
  const at::Tensor tokens = tensor_of(ids);
  std::map<std::string, at::Tensor> seen;
  const at::Tensor out =
      model_->text_encoder->encode(tokens, [&](int64_t layer, const at::Tensor& hidden) {
        seen["hidden." + std::to_string(layer)] = hidden.narrow(0, 0, 2);
      });
  seen["out"] = out;
  ParityRecord record("module-clip");
  compare_all("clip.", seen, 5e-6, &record);
  record.write();
}

TEST_F(Modules, UNetBlockByBlock) {
  const at::Tensor x = golden("unet.x");
  const at::Tensor t = golden("unet.t");
  const at::Tensor context = golden("unet.context");
  std::map<std::string, at::Tensor> seen;
  const at::Tensor eps = (*model_->unet)(
      x.narrow(0, 0, 1), t[0].item<float>(), context.narrow(0, 0, 1),
      [&](const std::string& name, const at::Tensor& value) { seen[name] = value; });
  ParityRecord record("module-unet");
  compare_all("unet.block.", seen, 5e-6, &record);
  record.add("eps", max_difference(eps, golden("unet.eps").narrow(0, 0, 1)));
  record.write();
}

TEST_F(Modules, UNetAtWholeAndBrokenTimes) {
  const at::Tensor x = golden("unet.x");
  const at::Tensor context = golden("unet.context");
  const auto compare_rows = [&](const std::string& times, const std::string& expected) {
    const at::Tensor t = golden(times);
    for (int64_t row = 0; row < x.size(0); ++row) {
      const at::Tensor eps =
          (*model_->unet)(x.narrow(0, row, 1), t[row].item<float>(), context.narrow(0, row, 1));
      EXPECT_LE(max_difference(eps, golden(expected).narrow(0, row, 1)), 2e-5) << times << row;
    }
  };
  compare_rows("unet.t", "unet.eps");
  compare_rows("unet.tfloat", "unet.eps_tfloat");
  for (const int t : {1, 21, 500, 981}) {
    const at::Tensor eps = (*model_->unet)(x.narrow(0, 0, 1), t, context.narrow(0, 0, 1));
    EXPECT_LE(max_difference(eps, golden("unet.eps_t" + std::to_string(t))), 2e-5) << t;
  }
}

TEST_F(Modules, AutoencoderPartByPart) {
  std::map<std::string, at::Tensor> seen;
  const TraceFn trace = [&](const std::string& name, const at::Tensor& value) {
    std::string shorter = name;  // "decoder.mid…" is "dec.mid…" in the goldens
    if (shorter.rfind("decoder.", 0) == 0) shorter.replace(0, 7, "dec");
    if (shorter.rfind("encoder.", 0) == 0) shorter.replace(0, 7, "enc");
    seen[shorter] = value;
  };
  const Autoencoder first_stage = autoencoder_of(*model_);
  seen["decode"] = first_stage.decode(golden("vae.z"), trace);
  seen["moments"] = first_stage.moments(golden("vae.x"), trace);
  ParityRecord record("module-vae");
  compare_all("vae.", seen, 5e-6, &record);
  record.write();
}

TEST_F(Modules, LaionTextAndUNet) {
  const LatentDiffusion laion = load_tiny("laion-tiny");
  const GoldenTensors goldens(reference_dir() / "modules-laion.safetensors");
  const auto tensor = [&](const std::string& name) { return tensor_of(goldens.f32(name)); };
  const auto ids = goldens.i64("bert.tokens");
  const at::Tensor tokens = tensor_of(ids);
  EXPECT_LE(max_difference(laion.text_encoder->encode(tokens), tensor("bert.out")), 1e-5);
  EXPECT_LE(max_difference(autoencoder_of(laion).decode(tensor("vae.z")), tensor("vae.decode")),
            2e-5);
}

}  // namespace
}  // namespace sd::test
