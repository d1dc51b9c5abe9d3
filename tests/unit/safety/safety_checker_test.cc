// Loading a checker: its parameters at full size, and files that are not what they should be.

#include "safety/safety_checker.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "support/expect_error.h"
#include "support/pattern.h"
#include "unit/safety/small_checker.h"

namespace sd::test {
using namespace models;
using namespace runtime;
using namespace safety;

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Shapes = std::map<std::string, std::vector<int64_t>>;

/// StableDiffusionSafetyChecker.state_dict() of the checker of Stable Diffusion v1, less the
/// position_ids.
Shapes published_shapes() {
  const std::string tower = "vision_model.vision_model.";
  Shapes shapes = {{tower + "embeddings.class_embedding", {1024}},
                   {tower + "embeddings.patch_embedding.weight", {1024, 3, 14, 14}},
                   {tower + "embeddings.position_embedding.weight", {257, 1024}},
                   {"visual_projection.weight", {768, 1024}},
                   {"concept_embeds", {17, 768}},
                   {"special_care_embeds", {3, 768}},
                   {"concept_embeds_weights", {17}},
                   {"special_care_embeds_weights", {3}}};
  const auto add = [&](const std::string& module, int64_t out, int64_t in) {
    shapes[tower + module + ".weight"] = in == 0 ? std::vector{out} : std::vector{out, in};
    shapes[tower + module + ".bias"] = {out};
  };
  add("pre_layrnorm", 1024, 0);
  add("post_layernorm", 1024, 0);
  for (int i = 0; i < 24; ++i) {
    const std::string layer = "encoder.layers." + std::to_string(i) + ".";
    for (const char* name : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      add(layer + "self_attn." + name, 1024, 1024);
    }
    add(layer + "layer_norm1", 1024, 0);
    add(layer + "layer_norm2", 1024, 0);
    add(layer + "mlp.fc1", 4096, 1024);
    add(layer + "mlp.fc2", 1024, 4096);
  }
  return shapes;
}

TEST(SafetyChecker, AsksForThePublishedParameters) {
  const auto wanted = wanted_tensors(SafetyConfig());
  EXPECT_EQ(wanted.size(), 396U);
  EXPECT_EQ(Shapes(wanted.begin(), wanted.end()), published_shapes());
}

TEST(LoadSafetyChecker, TakesEitherFormatAndLeavesExtraTensorsAlone) {
  SmallChecker small;
  small.tensors["vision_model.vision_model.embeddings.position_ids"] = at::zeros({1, 17});
  const Image picture = pattern("noise", 128, 128, 1);
  const auto expected = small.load()->check(picture).concept_scores;
  for (const fs::path& path : {small.write_safetensors(), small.write_torch()}) {
    const auto checker = load_safety_checker(path, KernelPolicy{.isa = probe_isa()});
    EXPECT_EQ(checker->check(picture).concept_scores, expected) << path;
  }
}

/// Of a run on a card, too: its weights are the processor's, and so must its kernels be.
TEST(LoadSafetyChecker, ComputesOnTheProcessorWithItsFastKernels) {
  SmallChecker small;
  const Image picture = pattern("noise", 128, 128, 1);
  const fs::path path = small.write_safetensors();
  KernelPolicy kernels{.isa = probe_isa()};
  const auto expected = load_safety_checker(path, kernels)->check(picture).concept_scores;
  kernels.device = DeviceKind::kCuda;
  EXPECT_EQ(load_safety_checker(path, kernels)->check(picture).concept_scores, expected);
}

TEST(LoadSafetyChecker, NamesEveryTensorThatIsMissingOrMisshapen) {
  SmallChecker small;
  small.tensors.erase("concept_embeds");
  small.tensors["visual_projection.weight"] = at::zeros({16, 31});
  const fs::path path = small.write_safetensors();
  for (const char* named : {"1 missing and 1 misshapen", "concept_embeds expected [17, 16]",
                            "visual_projection.weight expected [16, 32], found [16, 31]"}) {
    expect_error(ErrorKind::kCheckpoint, named,
                 [&] { load_safety_checker(path, KernelPolicy{.isa = probe_isa()}); });
  }
}

TEST(LoadSafetyChecker, WithoutConfigsExpectsTheOneOfStableDiffusion) {
  const SmallChecker small;
  fs::remove(small.folder / "config.json");
  fs::remove(small.folder / "preprocessor_config.json");
  const fs::path path = small.write_safetensors();
  try {
    load_safety_checker(path, KernelPolicy{.isa = probe_isa()});
    FAIL() << "a small checker was taken for a ViT-L/14";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    // All of them, but for the two lists of thresholds, which have the same length in both. Three
    // are named; most of them are missing, so that the list would say nothing.
    const size_t unnamed = published_shapes().size() - 2 - 3;
    const std::string message = error.what();
    EXPECT_NE(message.find("and " + std::to_string(unnamed) + " more, which -v names"),
              std::string::npos)
        << message;
    EXPECT_NE(error.hint(), "");
  }
}

/// A checker that drops layers gives other scores: it must not run.
TEST(LoadSafetyChecker, RefusesAConfigThatLeavesWeightsOver) {
  const SmallChecker small;
  const fs::path path = small.write_safetensors();
  json config = checker_vectors().at(0).at("config");
  const auto layers = config["vision_config"]["num_hidden_layers"].get<int64_t>();
  ASSERT_GT(layers, 1);
  config["vision_config"]["num_hidden_layers"] = layers - 1;
  small.folder.write("config.json", config.dump());
  try {
    load_safety_checker(path, KernelPolicy{.isa = probe_isa()});
    FAIL() << "a layer was left out without a word";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    const std::string message = error.what();
    EXPECT_NE(message.find("found 16 left over"), std::string::npos) << message;
    EXPECT_NE(message.find("encoder.layers." + std::to_string(layers - 1)), std::string::npos);
    EXPECT_EQ(error.details().size(), 16U);
  }
}

TEST(LoadSafetyChecker, RefusesFilesThatAreAbsentOrCutShort) {
  const SmallChecker small;
  expect_error(ErrorKind::kFile, "absent.bin", [&] {
    load_safety_checker(small.folder / "absent.bin", KernelPolicy{.isa = probe_isa()});
  });
  for (const fs::path& path : {small.write_torch(), small.write_safetensors()}) {
    const uintmax_t whole = fs::file_size(path);
    for (const uintmax_t size :
         {whole - 1, whole - 100, whole / 2, whole / 100, uintmax_t{9}, uintmax_t{1}}) {
      SCOPED_TRACE(path.extension().string() + " " + std::to_string(size));
      fs::resize_file(path, size);
      expect_error(ErrorKind::kCheckpoint, path.filename().string(),
                   [&] { load_safety_checker(path, KernelPolicy{.isa = probe_isa()}); });
    }
    fs::resize_file(path, 0);
    expect_error(ErrorKind::kFile, path.filename().string(),
                 [&] { load_safety_checker(path, KernelPolicy{.isa = probe_isa()}); });
  }
}

TEST(FindSafetyCheckpoint, LooksInTheWorkingDirectoryFirst) {
  const TempFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  const fs::path place = fs::path("models") / "safety_checker";
  folder.write(place / "pytorch_model.bin", "x");
  EXPECT_EQ(find_safety_checkpoint(), place / "pytorch_model.bin");
  folder.write(place / "model.safetensors", "x");
  EXPECT_EQ(find_safety_checkpoint(), place / "model.safetensors");
  fs::current_path(before);
}

TEST(FindSafetyCheckpoint, TakesALinkToNowhereForAChecker) {
  const fs::path models = "models";
  const fs::path place = models / "safety_checker";
  const fs::path before = fs::current_path();
  for (const fs::path& link :
       {place / "model.safetensors", place / "pytorch_model.bin", place, models}) {
    SCOPED_TRACE(link);
    for (const char* target : {"nowhere", "/no/such/place", "../../models/safety_checker"}) {
      const TempFolder folder;
      fs::current_path(folder.path());
      if (link.has_parent_path()) fs::create_directories(link.parent_path());
      fs::create_symlink(target, link);
      EXPECT_FALSE(find_safety_checkpoint().empty()) << target;
      fs::current_path(before);
    }
  }
}

}  // namespace
}  // namespace sd::test
