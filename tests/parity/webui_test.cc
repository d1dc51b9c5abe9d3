// The web UI's recorded runs, drawn by the program's own command from the same fields: every
// sampler and schedule, batches and seeds.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "support/case_run.h"
#include "support/tiny_model.h"
#include "support/webui.h"

namespace sd::test {
namespace {

std::vector<std::string> all_cases() {
  std::vector<std::string> ids;
  for (const auto& each : webui_json("cases/index.json")) ids.push_back(each.at("id"));
  return ids;
}

/// Our flags for the web UI's settings and fields.
const std::map<std::string, std::string> kFlags = {
    {"randn_source", "rng"},
    {"eta_noise_seed_delta", "ensd"},
    {"s_noise", "s-noise"},
    {"s_churn", "s-churn"},
    {"s_tmin", "s-tmin"},
    {"s_tmax", "s-tmax"},
    {"sigma_min", "sigma-min"},
    {"sigma_max", "sigma-max"},
    {"rho", "rho"},
    {"beta_dist_alpha", "beta-alpha"},
    {"beta_dist_beta", "beta-beta"},
    {"use_old_karras_scheduler_sigmas", "old-karras-sigmas"},
    {"always_discard_next_to_last_sigma", "discard-next-to-last-sigma"},
    {"enable_quantization", "quantize"},
    {"sgm_noise_multiplier", "sgm-noise"},
    {"use_downcasted_alpha_bar", "downcast-alphas"},
    {"s_min_uncond", "s-min-uncond"},
    {"s_min_uncond_all", "s-min-uncond-all"},
    {"skip_early_cond", "skip-early-cond"},
    {"uni_pc_variant", "unipc-variant"},
    {"uni_pc_skip_type", "unipc-skip-type"},
    {"uni_pc_order", "unipc-order"},
    {"uni_pc_lower_order_final", "unipc-lower-order-final"},
    {"eta_ancestral", "eta"},
    {"eta_ddim", "eta"},
    {"eta", "eta"},
    {"subseed", "variation-seed"},
    {"subseed_strength", "variation-strength"},
    {"seed_resize_from_w", "seed-resize-from-w"},
    {"seed_resize_from_h", "seed-resize-from-h"}};

std::string value_of_flag(const nlohmann::json& value) {
  if (value == "GPU") return "cuda";
  if (value == "CPU") return "cpu";
  if (value == "NV") return "nv";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Why a case is left out here; empty if it is not.
std::string left_out(const nlohmann::json& recorded) {
  if (!recorded.at("error").is_null()) return "the web UI fails";
  for (const auto& [setting, value] : recorded.at("settings").items()) {
    if (!kFlags.contains(setting)) return "the setting " + setting;
  }
  if (recorded.at("sampler") == "DPM adaptive") return "its step sizes hang on the error";
  const auto& fields = recorded.at("fields");
  if (fields.contains("denoising_strength")) return "it starts from a latent";
  const std::string prompts = fields.at("prompt").get<std::string>() + " " +
                              fields.at("negative_prompt").get<std::string>();
  for (const char* syntax : {"(", "[", "|", "\\", "AND", "BREAK"}) {
    if (prompts.find(syntax) != std::string::npos) return "the syntax of its prompts";
  }
  return prompts.size() > 250 ? "prompts of more than 77 tokens" : "";
}

/// The web UI's sampler, by a name that is not one of the reference's own.
std::string sampler_flag(const std::string& label) {
  return label == "DDIM" ? "webui_ddim" : label == "PLMS" ? "webui_plms" : label;
}

std::vector<std::string> flags_of(const nlohmann::json& recorded, const std::string& outdir) {
  const auto& fields = recorded.at("fields");
  const std::string model = (reference_dir() / "ckpt" / "sd-tiny").string();
  std::vector<std::string> flags = {"--seed-mode", "image", "--skip_grid", "--skip_save"};
  const auto add = [&](const char* flag, const std::string& value) {
    flags.insert(flags.end(), {std::string("--") + flag, value});
  };
  add("ckpt", model + ".ckpt");
  add("config", model + ".yaml");
  add("outdir", outdir);
  add("prompt", fields.at("prompt"));
  add("negative-prompt", fields.at("negative_prompt"));
  add("sampler", sampler_flag(recorded.at("sampler")));
  add("schedule", recorded.at("schedule"));
  for (const auto& [flag, field] : {std::pair{"seed", "seed"},
                                    {"scale", "cfg_scale"},
                                    {"ddim_steps", "steps"},
                                    {"H", "height"},
                                    {"W", "width"},
                                    {"n_samples", "batch_size"},
                                    {"n_iter", "n_iter"}}) {
    add(flag, fields.value(field, nlohmann::json(1)).dump());
  }
  for (const auto* from : {&recorded.at("settings"), &fields}) {
    for (const auto& [name, value] : from->items()) {
      const auto flag = kFlags.find(name);
      if (flag != kFlags.end()) flags.push_back("--" + flag->second + "=" + value_of_flag(value));
    }
  }
  return flags;
}

class WebUiCases : public testing::TestWithParam<std::string> {};

TEST_P(WebUiCases, HaveTheSameLatents) {
  const auto recorded = webui_json("cases/" + GetParam() + "/case.json");
  if (const std::string why = left_out(recorded); !why.empty()) GTEST_SKIP() << why;
  const TempFolder out;
  TensorLists tensors;
  ASSERT_EQ(run_flags(Script::kTxt2Img, flags_of(recorded, out.path().string()), &tensors), 0);
  const auto golden =
      load_goldens(webui_dir() / "cases" / GetParam() / "tensors.safetensors").f32("latent");
  const at::Tensor ours = at::cat(tensors.at("latent"));
  ASSERT_EQ(ours.sizes().vec(), golden.shape);
  const at::Tensor theirs = at::tensor(golden.data).reshape(golden.shape);
  const double floor = recorded.at("floor").at("perturb").at("latent");
  EXPECT_LE((ours - theirs).abs().max().item<double>(), std::max(5 * floor, 2e-4));
}

/// A case's id as GoogleTest takes names.
std::string test_name(const testing::TestParamInfo<std::string>& of) {
  std::string name = of.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Recorded, WebUiCases, testing::ValuesIn(all_cases()), test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WebUiCases);

}  // namespace
}  // namespace sd::test
