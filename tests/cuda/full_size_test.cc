// The networks of Stable Diffusion v1 at full size, with weights by formula, on a card against the
// processor's float32.

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <functional>

#include "cuda/card.h"
#include "cuda/precisions.h"
#include "models/autoencoder.h"
#include "models/latent_diffusion.h"
#include "models/text_encoder.h"
#include "runtime/exec_policy.h"
#include "support/formula_weights.h"

namespace sd::test {
using namespace models;
using namespace runtime;
using namespace weights;

namespace {

const KernelPolicy kOnProcessor{.isa = probe_isa()};

/// Calls `check` for each precision that the card has, under its policy.
void in_each_precision(const std::function<void(const OnCard&, const ExecPolicy&)>& check) {
  for (const OnCard& on_card : precisions_of_card()) {
    DeviceOptions asked;
    asked.device = "cuda:0";
    asked.precision = on_card.precision;
    const ExecPolicy policy = resolve(asked, host());
    apply_device(policy);
    check(on_card, policy);
  }
}

class CudaFullSize : public testing::Test {
  c10::InferenceMode inference_;
};

TEST_F(CudaFullSize, UNetStep) {
  SD_NEEDS_CARD();
  const UNetConfig config = v1_config().unet;
  const auto build = [&](const WeightView& root, const KernelPolicy& kernels) {
    return UNet(root["model.diffusion_model"], config, kernels);
  };
  const WeightView weights =
      formula_weights([&](const WeightView& root) { build(root, kOnProcessor); });
  const at::Tensor x = formula_input("input.unet_x", {1, 4, 64, 64});
  const at::Tensor context = formula_input("input.context", {1, 77, 768});
  const at::Tensor expected = build(weights, kOnProcessor)(x, 500, context);
  in_each_precision([&](const OnCard& on_card, const ExecPolicy& policy) {
    const UNet unet = build(weights.on(kCard).as(policy.dtype), policy.kernels);
    expect_near(on_card.flag, unet(x.to(kCard), 500, context.to(kCard)), expected,
                on_card.of_one_call);
  });
}

TEST_F(CudaFullSize, TextEncoder) {
  SD_NEEDS_CARD();
  const ClipTextConfig config = v1_config().clip_text;
  const auto build = [&](const WeightView& root, const KernelPolicy& kernels) {
    return make_clip_text(root["cond_stage_model"], config, kernels);
  };
  const WeightView weights =
      formula_weights([&](const WeightView& root) { build(root, kOnProcessor); });
  const at::Tensor ids = at::arange(2 * 77, at::kLong).reshape({2, 77}) * 300;
  const at::Tensor expected = build(weights, kOnProcessor)->encode(ids);
  in_each_precision([&](const OnCard& on_card, const ExecPolicy& policy) {
    const auto encoder = build(weights.on(kCard).as(policy.dtype), policy.kernels);
    expect_near(on_card.flag, encoder->encode(ids.to(kCard)), expected, on_card.of_one_call);
  });
}

TEST_F(CudaFullSize, Decoder) {
  SD_NEEDS_CARD();
  const AutoencoderConfig config = v1_config().first_stage;
  const auto build = [&](const WeightView& root, const KernelPolicy& kernels) {
    return Autoencoder(root["first_stage_model"], config, CoderParts::kDecoderFirst, kernels);
  };
  const WeightView weights =
      formula_weights([&](const WeightView& root) { build(root, kOnProcessor); });
  const at::Tensor z = formula_input("input.vae_z", {1, 4, 64, 64});
  const at::Tensor expected = build(weights, kOnProcessor).decode(z);
  in_each_precision([&](const OnCard& on_card, const ExecPolicy& policy) {
    const Autoencoder decoder = build(weights.on(kCard).as(policy.vae_dtype), policy.kernels);
    expect_near(on_card.flag, decoder.decode(z.to(kCard)), expected, on_card.of_one_call);
  });
}

}  // namespace
}  // namespace sd::test
