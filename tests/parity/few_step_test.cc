// Pictures of diffusers' schedulers for few steps, drawn by the program's own command.

#include <gtest/gtest.h>

#include "support/golden_tensor.h"
#include "support/webui_cases.h"

namespace sd::test {
using namespace image;

namespace {

const nlohmann::json& recorded_pictures() {
  static const nlohmann::json pictures = webui_json("fewstep/pictures/index.json").is_null()
                                             ? nlohmann::json::array()
                                             : webui_json("fewstep/pictures/index.json");
  return pictures;
}

/// Why a run is left out; empty if it is not.
std::string left_out(const nlohmann::json& recorded) {
  if (!recorded.at("strength").is_null()) return "it starts from a latent: unit_sampling has those";
  return recorded.at("scheduler") == "PNDM" ? "PNDM is no sampler here" : "";
}

std::vector<std::string> sampler_flags(const nlohmann::json& recorded) {
  const std::string scheduler = recorded.at("scheduler");
  const std::string steps = std::to_string(recorded.at("timesteps").size());
  std::vector<std::string> flags = {"--ddim_steps", steps};
  const auto add = [&](const char* flag, const std::string& value) {
    flags.insert(flags.end(), {flag, value});
  };
  add("--sampler", scheduler == "TCD"     ? "tcd"
                   : scheduler == "LCM"   ? "diffusers_lcm"
                   : scheduler == "DDIM"  ? "ddim_trailing"
                   : scheduler == "Euler" ? "Euler Trailing"
                                          : "dpmpp_2m");
  if (recorded.at("step").contains("eta")) add("--eta", recorded.at("step").at("eta").dump());
  if (scheduler != "DPMpp") return flags;
  std::string sigmas = recorded.at("sigmas").dump();
  add("--sigmas", sigmas.substr(1, sigmas.size() - 2));
  for (const char* flag : {"--quantize", "--sgm-noise"}) flags.emplace_back(flag);
  return flags;
}

std::vector<std::string> flags_of(const nlohmann::json& recorded, const std::string& outdir) {
  const std::string model = (reference_dir() / "ckpt" / "sd-tiny").string();
  std::vector<std::string> flags = {
      "--seed-mode", "image", "--skip_grid", "--no-watermark", "--n_samples", "1",
      "--n_iter",    "1",     "--ckpt",      model + ".ckpt",  "--config",    model + ".yaml",
      "--outdir",    outdir};
  for (const auto& [flag, field] : {std::pair{"--prompt", "prompt"},
                                    {"--negative-prompt", "negative_prompt"},
                                    {"--seed", "seed"},
                                    {"--scale", "scale"},
                                    {"--H", "height"},
                                    {"--W", "width"},
                                    {"--rng", "source"}}) {
    flags.insert(flags.end(), {flag, value_of_flag(recorded.at(field))});
  }
  for (const std::string& flag : sampler_flags(recorded)) flags.push_back(flag);
  return flags;
}

class FewStepPictures : public testing::TestWithParam<size_t> {};

TEST_P(FewStepPictures, AreDiffusers) {
  const auto& recorded = recorded_pictures().at(GetParam());
  const std::string id = recorded.at("id");
  SCOPED_TRACE(id);
  if (const std::string why = left_out(recorded); !why.empty()) GTEST_SKIP() << id << ": " << why;
  const TempFolder out;
  TensorLists tensors;
  ASSERT_EQ(run_flags(Script::kTxt2Img, flags_of(recorded, out.path().string()), &tensors), 0);
  const auto folder = webui_dir() / "fewstep" / "pictures" / id;
  const auto golden = load_goldens(folder / "tensors.safetensors").f32("latent");
  const at::Tensor theirs = tensor_of(golden);
  EXPECT_LE((at::cat(tensors.at("latent")) - theirs).abs().max().item<double>(),
            std::max(5 * recorded.at("floor_perturb").get<double>(), 2e-4));
  // At scale 1 the network is asked for the words alone.
  const int64_t rows = recorded.at("scale") == 1.0 ? 1 : 2;
  EXPECT_EQ(tensors.at("unet_eps").front().size(0), rows);
  PixelDifference difference;
  difference.add(read_image(out / "samples" / "00000.png"), read_image(folder / "0.png"));
  EXPECT_LE(difference.share(), 0.005);
  EXPECT_LE(difference.largest, 2);
}

INSTANTIATE_TEST_SUITE_P(Diffusers, FewStepPictures,
                         testing::Range(size_t{0}, recorded_pictures().size()));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(FewStepPictures);

}  // namespace
}  // namespace sd::test
