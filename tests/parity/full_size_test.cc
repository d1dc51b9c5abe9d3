// The networks of Stable Diffusion v1 at full size, with weights by formula, against the
// reference's.

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "models/autoencoder.h"
#include "models/latent_diffusion.h"
#include "support/formula_weights.h"
#include "support/golden_tensor.h"
#include "support/parity.h"

namespace sd::test {
using namespace models;
using namespace runtime;
using namespace weights;

namespace {

class FullSize : public testing::Test {
 protected:
  void SetUp() override { SD_NEEDS_REFERENCE(); }

  static at::Tensor golden(const std::string& file, const std::string& name) {
    const GoldenTensors goldens(reference_dir() / "fullsize" / (file + ".safetensors"));
    return tensor_of(goldens.f32(name));
  }

  static void compare(const std::string& part, const at::Tensor& ours, const at::Tensor& expected,
                      double tolerance) {
    const double difference = max_difference(ours, expected);
    EXPECT_LE(difference, tolerance) << part;
    ParityRecord record("full-size-" + part);
    record.add(part, difference);
    record.write();
  }

  c10::InferenceMode inference_;
};

TEST_F(FullSize, TextEncoder) {
  const ClipTextConfig config = v1_config().clip_text;
  const auto build = [&](const WeightView& root) {
    return make_clip_text(root["cond_stage_model"], config, KernelPolicy{.isa = probe_isa()});
  };
  const auto encoder = build(formula_weights(build));
  const GoldenTensors goldens(reference_dir() / "fullsize" / "clip.safetensors");
  const auto ids = goldens.i64("tokens");
  const at::Tensor tokens = tensor_of(ids);
  compare("clip", encoder->encode(tokens), golden("clip", "embedding"), 5e-5);
}

TEST_F(FullSize, UNetStep) {
  const UNetConfig config = v1_config().unet;
  const auto build = [&](const WeightView& root) {
    return UNet(root["model.diffusion_model"], config, KernelPolicy{.isa = probe_isa()});
  };
  const UNet unet = build(formula_weights(build));
  const at::Tensor eps = unet(formula_input("input.unet_x", {1, 4, 64, 64}), 500,
                              formula_input("input.context", {1, 77, 768}));
  compare("unet", eps, golden("unet", "eps"), 5e-5);
}

TEST_F(FullSize, Autoencoder) {
  const AutoencoderConfig config = v1_config().first_stage;
  const auto build = [&](const WeightView& root) {
    return Autoencoder(root["first_stage_model"], config, CoderParts::kBoth,
                       KernelPolicy{.isa = probe_isa()});
  };
  const Autoencoder autoencoder = build(formula_weights(build));
  const at::Tensor picture = autoencoder.decode(formula_input("input.vae_z", {1, 4, 64, 64}));
  const auto region = [&](int64_t from, int64_t to, int64_t step) {
    return picture.slice(2, from, to, step).slice(3, from, to, step);
  };
  compare("vae-decode", region(0, 512, 4), golden("vae", "decode_s4"), 1e-4);
  EXPECT_LE(max_difference(region(224, 288, 1), golden("vae", "decode_crop")), 1e-4);
  EXPECT_LE(max_difference(region(0, 32, 1), golden("vae", "decode_topleft")), 1e-4);
  const at::Tensor moments =
      autoencoder.moments(formula_input("input.vae_x", {1, 3, 256, 256}, 0.5));
  compare("vae-encode", moments, golden("vae", "moments"), 5e-5);
}

}  // namespace
}  // namespace sd::test
