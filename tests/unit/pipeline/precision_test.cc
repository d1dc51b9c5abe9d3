// Runs in half precision, beside runs in single precision.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/log.h"
#include "support/small_pipeline.h"
#include "support/tensor_to_write.h"
#include "weights/checkpoint.h"

namespace sd::test {
using namespace runtime;
using namespace weights;

namespace {

/// What a run drew, and its tensors by name.
struct Drawn {
  std::map<std::string, at::Tensor> tensors;
  std::vector<Picture> pictures;
};

Drawn draw(const LoadOptions& options, ExecPolicy policy, const Request& request) {
  const Pipeline pipeline = Pipeline::load(options, std::move(policy));
  Session session = pipeline.start();
  Drawn result;
  session.set_tap([&](const std::string& name, const at::Tensor& tensor) {
    EXPECT_EQ(tensor.scalar_type() == at::kByte, name == "init_image_u8");
    if (name.rfind("unet_t", 0) != 0 && tensor.is_floating_point()) {
      EXPECT_EQ(tensor.scalar_type(), at::kFloat) << name;
    }
    result.tensors[name] = tensor.clone();
  });
  session.generate(request,
                   [&](Picture picture) { result.pictures.push_back(std::move(picture)); });
  return result;
}

Request from_a_picture(Request request) {
  auto image = std::make_shared<Image>(request.batch.width, request.batch.height);
  for (size_t i = 0; i < image->rgb.size(); ++i) image->rgb[i] = static_cast<uint8_t>(i * 7);
  request.batch.init.image = image;
  return request;
}

TEST(HalfPrecision, DrawsThePictureOfSinglePrecision) {
  const struct {
    at::ScalarType dtype;
    double most;  // of eleven bits and of eight
  } kinds[] = {{at::kHalf, 0.02}, {at::kBFloat16, 0.15}};
  ModelOnDisk model;
  for (const bool from_picture : {false, true}) {
    Request request = small_request(2, 64);
    if (from_picture) request = from_a_picture(request);
    const Drawn full = draw(model.options, cpu_policy(true), request);
    for (const auto& kind : kinds) {
      const Drawn half = draw(model.options, cpu_policy(true, kind.dtype), request);
      for (const char* name : {"cond", "unet_x"}) {
        EXPECT_EQ(half.tensors.at(name).sizes(), full.tensors.at(name).sizes());
      }
      const double latents = relative_error(half.tensors.at("latent"), full.tensors.at("latent"));
      EXPECT_LT(latents, kind.most);
      EXPECT_GT(latents, 0);
      EXPECT_LT(relative_error(half.tensors.at("image"), full.tensors.at("image")), kind.most);
    }
  }
}

TEST(HalfPrecision, CanBeTheNetworksAloneOrTheAutoencodersAlone) {
  const ModelOnDisk model;
  const Request request = small_request(1, 64);
  const Drawn full = draw(model.options, cpu_policy(true), request);
  ExecPolicy policy = cpu_policy(true);
  policy.vae_dtype = at::kBFloat16;
  const Drawn coarse_picture = draw(model.options, policy, request);
  EXPECT_TRUE(at::equal(coarse_picture.tensors.at("latent"), full.tensors.at("latent")));
  EXPECT_FALSE(at::equal(coarse_picture.tensors.at("image"), full.tensors.at("image")));
}

/// The model with the weights of some layers times a factor.
void scale_weights(const ModelOnDisk& model, const std::string& part, double factor) {
  const auto checkpoint = open_checkpoint(model.options.model.checkpoint);
  std::vector<TensorToWrite> tensors;
  for (const TensorInfo& info : checkpoint->index()) {
    at::Tensor tensor = checkpoint->tensor(info).clone();
    if (info.name.find(part) != std::string::npos) tensor.mul_(factor);
    tensors.push_back(to_write(info.name, tensor));
  }
  const std::string scaled = (model.folder() / "scaled.safetensors").string();
  write_safetensors(scaled, tensors);
}

struct Overflow {
  const char* part;     // whose weights are scaled
  const char* culprit;  // as the notice calls it
};

class Overflows : public ::testing::TestWithParam<Overflow> {};

TEST_P(Overflows, AreComputedAgainInSinglePrecisionAndSaid) {
  const ModelOnDisk model;
  scale_weights(model, GetParam().part, 1e6);
  LoadOptions options = model.options;
  options.model.checkpoint = (model.folder() / "scaled.safetensors").string();
  Request request = small_request(2, 64);
  request.batch.knobs.eta = 0.5;  // so that each step draws
  const Drawn full = draw(options, cpu_policy(true), request);
  ASSERT_TRUE(at::isfinite(full.tensors.at("image")).all().item<bool>());
  ::testing::internal::CaptureStderr();
  const Drawn half = draw(options, cpu_policy(true, at::kHalf), request);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find(std::string(GetParam().culprit) + " went beyond what float16 can hold"),
            std::string::npos)
      << said;
  EXPECT_LT(relative_error(half.tensors.at("image"), full.tensors.at("image")), 0.03);
  EXPECT_LT(relative_error(half.tensors.at("latent"), full.tensors.at("latent")), 0.02);
  ASSERT_EQ(half.pictures.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(
    Parts, Overflows,
    ::testing::Values(Overflow{"text_model.encoder.layers.0.layer_norm2.weight",
                               "the text encoder"},
                      Overflow{"diffusion_model.input_blocks.1.0.in_layers.2.weight", "the UNet"},
                      Overflow{"decoder.mid.block_1.conv1.weight", "the autoencoder"}));

}  // namespace
}  // namespace sd::test
