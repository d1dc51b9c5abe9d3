// CompVis' txt2img with the web UI's adapters in the model, under ../shared/models: flags in,
// tensors out.

#include <gtest/gtest.h>

#include "support/case_run.h"

namespace sd::test {
namespace {

namespace fs = std::filesystem;

fs::path lora_cases() { return models_dir() / "lora" / "cases"; }

nlohmann::json case_info(const std::string& id) {
  std::ifstream file(lora_cases() / id / "case.json");
  return nlohmann::json::parse(file);
}

std::vector<std::string> case_ids() {
  std::vector<std::string> ids;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(lora_cases(), absent)) {
    ids.push_back(entry.path().filename().string());
  }
  std::sort(ids.begin(), ids.end());
  if (ids.empty()) ids.emplace_back("absent");
  return ids;
}

/// The case's own flags, with absolute paths, without its prompt.
std::vector<std::string> case_flags(const nlohmann::json& info, const fs::path& outdir) {
  std::vector<std::string> flags = {
      "--outdir",   outdir.string(), "--skip_grid", "--no-watermark",
      "--safety",   "off",           "--lora-dir",  (models_dir() / "lora" / "files").string(),
      "--skip_save"};
  for (const auto& item : info.at("argv")) {
    auto text = item.get<std::string>();
    constexpr std::string_view kReference = "../reference";
    if (text.starts_with(kReference)) {
      text = reference_dir().string() + text.substr(kReference.size());
    }
    flags.push_back(text);
  }
  return flags;
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

TensorLists run_case(const std::string& id, const std::vector<std::string>& more) {
  const fs::path outdir =
      fs::temp_directory_path() / ("sd_lora_" + id + std::to_string(::getpid()));
  TensorLists tensors;
  std::vector<std::string> flags = case_flags(case_info(id), outdir);
  flags.insert(flags.end(), more.begin(), more.end());
  EXPECT_EQ(run_flags(Script::kTxt2Img, flags, &tensors), 0);
  fs::remove_all(outdir);
  return tensors;
}

/// The flags that name a case's adapters.
std::vector<std::string> lora_flags(const std::string& id) {
  std::vector<std::string> flags;
  const nlohmann::json info = case_info(id);
  for (const auto& use : info.at("loras")) {
    flags.insert(flags.end(), {"--lora", flag_value(use)});
  }
  return flags;
}

class LoraCases : public testing::TestWithParam<std::string> {};

TEST_P(LoraCases, GivesTheWebUisTensors) {
  SD_NEEDS_MODELS();
  const nlohmann::json info = case_info(GetParam());
  const TensorLists ours = run_case(GetParam(), lora_flags(GetParam()));
  const auto& noise = info.at("draws_perturbed_1e-6");
  const double latent = std::max(2e-4, 4 * noise.at("latent").get<double>());
  const double image = std::max(1e-4, 4 * noise.at("image").get<double>());
  const GoldenTensors golden(lora_cases() / GetParam() / "tensors.safetensors");
  for (const std::string& name : golden.names()) {
    SCOPED_TRACE(name);
    const std::string kind = name.substr(0, name.rfind('.'));
    const at::Tensor tensor = counterpart(ours, kind, 0);
    ASSERT_TRUE(tensor.defined());
    const auto expected = golden.f32(name);
    const at::Tensor of_golden =
        at::tensor(at::ArrayRef<float>(expected.data)).view(expected.shape);
    EXPECT_LE(max_difference(tensor, of_golden), kind == "latent" ? latent : image);
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
  const std::string id = "l04-two";
  const TensorLists by_flag = run_case(id, lora_flags(id));
  const TensorLists by_prompt =
      run_case(id, {"--prompt-syntax", "webui", "--prompt", case_info(id).at("a1111_prompt")});
  EXPECT_LE(max_difference(by_flag.at("latent")[0], by_prompt.at("latent")[0]), 1e-5);
}

}  // namespace
}  // namespace sd::test
