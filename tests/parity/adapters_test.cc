// CompVis' txt2img with the web UI's adapters in the model, under ../shared/models: flags in,
// tensors out.

#include <gtest/gtest.h>

#include "support/model_case.h"

namespace sd::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> case_ids() {
  std::vector<std::string> ids;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(models_dir() / "lora" / "cases", absent)) {
    ids.push_back(entry.path().filename().string());
  }
  std::sort(ids.begin(), ids.end());
  if (ids.empty()) ids.emplace_back("absent");
  return ids;
}

/// "kohya-r4:0.5:0.8", which is TE and then UNET, as a flag's value.
std::string flag_value(const std::string& use) {
  const size_t first = use.find(':');
  const std::string rest = use.substr(first + 1);
  const size_t second = rest.find(':');
  const std::string te = rest.substr(0, second);
  const std::string unet = second == std::string::npos ? te : rest.substr(second + 1);
  if (te.find('=') != std::string::npos) return use;
  return use.substr(0, first) + ":te=" + te + ":unet=" + unet;
}

TensorLists run_case(const ModelCase& model_case, const std::vector<std::string>& more) {
  std::vector<std::string> flags = model_case.arguments();
  flags.insert(flags.end(), {"--skip_grid", "--no-watermark", "--safety", "off", "--skip_save",
                             "--lora-dir", (models_dir() / "lora" / "files").string()});
  flags.insert(flags.end(), more.begin(), more.end());
  FlagsRun run(Script::kTxt2Img, flags);
  EXPECT_EQ(run.exit_code, 0);
  return std::move(run.tensors);
}

/// The flags that name a case's adapters.
std::vector<std::string> lora_flags(const ModelCase& model_case) {
  std::vector<std::string> flags;
  for (const auto& use : model_case.info.at("loras")) {
    flags.insert(flags.end(), {"--lora", flag_value(use)});
  }
  return flags;
}

class LoraCases : public testing::TestWithParam<std::string> {};

TEST_P(LoraCases, GivesTheWebUisTensors) {
  SD_NEEDS_MODELS();
  const ModelCase model_case("lora", GetParam());
  const TensorLists ours = run_case(model_case, lora_flags(model_case));
  const auto& noise = model_case.info.at("draws_perturbed_1e-6");
  const double image = std::max(1e-4, 4 * noise.at("image").get<double>());
  for (const std::string& name : model_case.goldens().names()) {
    SCOPED_TRACE(name);
    const std::string kind = name.substr(0, name.rfind('.'));
    const at::Tensor tensor = counterpart(ours, kind, 0);
    ASSERT_TRUE(tensor.defined());
    EXPECT_LE(max_difference(tensor, model_case.golden(name)),
              kind == "latent" ? model_case.latent_tolerance() : image);
  }
}

std::string id_of(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Models, LoraCases, testing::ValuesIn(case_ids()), id_of);

TEST(LoraPrompts, NameAdaptersAsFlagsDo) {
  SD_NEEDS_MODELS();
  const ModelCase model_case("lora", "l04-two");
  const TensorLists by_flag = run_case(model_case, lora_flags(model_case));
  const TensorLists by_prompt = run_case(
      model_case, {"--prompt-syntax", "webui", "--prompt", model_case.info.at("a1111_prompt")});
  EXPECT_LE(max_difference(by_flag.at("latent")[0], by_prompt.at("latent")[0]), 1e-5);
}

}  // namespace
}  // namespace sd::test
