// Merged weights against those of the web UI, diffusers, sd-scripts and LyCORIS.

#include <gtest/gtest.h>

#include "models/adapters/adapter.h"
#include "support/adapters.h"

namespace sd {
using namespace models;

namespace {

using test::UsedAdapter;

struct Case {
  std::string golden;  ///< below ../shared/models/lora
  std::vector<UsedAdapter> used;
  double tolerance = 1e-6;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.golden; }

AdapterStrength at(double strength) { return {.unet = strength, .text = strength}; }

Case merged(const std::string& name, double tolerance = 1e-6) {
  return {"merged/" + name, {{name, at(0.7)}}, tolerance};
}

Case formatted(const std::string& golden, const std::string& file, double strength,
               double tolerance = 1e-6) {
  return {"formats/" + golden, {{file, at(strength)}}, tolerance};
}

const Case kCases[] = {
    merged("kohya-r4.safetensors"),
    {"merged/kohya-r2.safetensors", {{"kohya-r2.pt", at(0.7)}}},
    merged("kohya-locon-bf16.safetensors"),
    merged("lycoris-locon-tucker.safetensors"),
    merged("kohya-noalpha.safetensors"),
    merged("lcm-style.safetensors"),
    merged("original-names.safetensors"),
    merged("dora.safetensors", 1e-5),
    merged("loha.safetensors"),
    merged("lokr.safetensors"),
    merged("ia3.safetensors"),
    merged("full-norm.safetensors"),
    merged("glora.safetensors"),
    merged("diag-oft.safetensors", 1e-5),
    merged("boft.safetensors", 1e-5),
    merged("some-unmatched.safetensors"),
    merged("wrong-shape.safetensors"),
    {"merged/case-dyn2.safetensors", {{"kohya-r4.safetensors", {1, 1, 2}}}},
    {"merged/case-te-only.safetensors", {{"kohya-r4.safetensors", {.unet = 0, .text = 0.9}}}},
    {"merged/case-negative.safetensors", {{"kohya-locon-bf16.safetensors", at(-0.5)}}},
    {"merged/case-stack.safetensors",
     {{"kohya-r4.safetensors", at(0.7)},
      {"loha.safetensors", {.unet = 1.2, .text = 0.5}},
      {"kohya-locon-bf16.safetensors", at(0.4)}}},
    formatted("merged-diffusers-peft.safetensors", "diffusers-peft.safetensors", 0.7),
    formatted("merged-diffusers-old.safetensors", "diffusers-old.safetensors", 0.7),
    formatted("merged-diffusers-peft-metadata.safetensors", "diffusers-peft-metadata.safetensors",
              0.7),
    formatted("merged-pytorch_lora_weights.safetensors", "pytorch_lora_weights.bin", 0.7),
    formatted("kohya-merge-kohya-r4.safetensors", "kohya-r4.safetensors", 0.7),
    formatted("kohya-merge-kohya-locon-bf16.safetensors", "kohya-locon-bf16.safetensors", 0.7),
    formatted("kohya-merge-kohya-noalpha.safetensors", "kohya-noalpha.safetensors", 0.7),
    formatted("merged-cloneofsimo.safetensors", "cloneofsimo.safetensors", 0.7),
    {"formats/merged-cloneofsimo.safetensors",
     {{"cloneofsimo.pt", at(0.7)}, {"cloneofsimo.text_encoder.pt", at(0.7)}}},
    formatted("lycoris-merge-dora-out.safetensors", "dora-out.safetensors", 1, 1e-5),
    formatted("lycoris-merge-glora-swapped.safetensors", "glora-swapped.safetensors", 1),
};

class AdapterGolden : public testing::TestWithParam<Case> {};

TEST_P(AdapterGolden, MergesAsTheProgramThatItIsOf) {
  SD_NEEDS_MODELS();
  const Case& one = GetParam();
  EXPECT_LE(test::largest_difference(one.used, test::models_dir() / "lora" / one.golden),
            one.tolerance);
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  std::string name = std::filesystem::path(info.param.golden).stem().string();
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name + "_" + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(Files, AdapterGolden, testing::ValuesIn(kCases), case_name);

/// How many layers the web UI changes with each file, and how many it cannot compute.
TEST(AdapterGoldens, ChangesAsManyLayersAsTheWebUi) {
  SD_NEEDS_MODELS();
  std::ifstream file(test::models_dir() / "lora" / "merged" / "index.json");
  const auto index = nlohmann::json::parse(file);
  int compared = 0;
  for (const auto& [name, entry] : index.items()) {
    if (!name.ends_with(".safetensors") && !name.ends_with(".pt")) continue;
    if (name == "glora-swapped.safetensors") continue;  // which the web UI cannot multiply
    const auto adapter = open_adapter(test::adapter_file(name), test::adapted_layers());
    const size_t modules = entry["networks"][0]["modules"];
    EXPECT_EQ(adapter->modules().size() + adapter->misfits().size(), modules) << name;
    size_t errors = 0;
    for (const auto& [network, count] : entry["layer_errors"].items()) {
      errors += count.get<size_t>();
    }
    EXPECT_EQ(adapter->misfits().size(), errors) << name;
    ++compared;
  }
  EXPECT_GT(compared, 15);
}

}  // namespace
}  // namespace sd
