#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "image/image_io.h"
#include "job/batch_plan.h"
#include "job/job_list.h"
#include "pipeline/noise_plan.h"
#include "support/case_run.h"
#include "support/temp_folder.h"
#include "support/webui.h"

// The web UI's recorded runs as our commands: a case's fields and settings as flags, and what the
// program plans for them.

namespace sd::test {

inline std::vector<std::string> webui_cases() {
  std::vector<std::string> ids;
  for (const auto& each : webui_json("cases/index.json")) ids.push_back(each.at("id"));
  return ids;
}

/// Our flags for the web UI's settings and fields.
inline const std::map<std::string, std::string>& webui_flags() {
  static const std::map<std::string, std::string> flags = {
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
      {"initial_noise_multiplier", "initial-noise-multiplier"},
      {"img2img_extra_noise", "extra-noise"},
      {"img2img_fix_steps", "fix-steps"},
      {"denoising_strength", "strength"},
      {"subseed", "variation-seed"},
      {"subseed_strength", "variation-strength"},
      {"seed_resize_from_w", "seed-resize-from-w"},
      {"seed_resize_from_h", "seed-resize-from-h"},
      {"CLIP_stop_at_last_layers", "clip-skip"},
      {"comma_padding_backtrack", "comma-backtrack"},
      {"emphasis", "emphasis"},
      {"pad_cond_uncond", "unequal-prompts"},
      {"pad_cond_uncond_v0", "unequal-prompts"},
      {"use_old_scheduling", "old-editing"}};
  return flags;
}

/// Settings that change rounding alone: the web UI evaluates both halves of guidance at once, or
/// one after the other.
inline const std::set<std::string>& webui_settings_of_rounding() {
  static const std::set<std::string> settings = {"batch_cond_uncond"};
  return settings;
}

/// A recorded run.
struct WebUiCase {
  explicit WebUiCase(const std::string& name)
      : id(name), recorded(webui_json("cases/" + name + "/case.json")) {}

  const nlohmann::json& fields() const { return recorded.at("fields"); }
  bool fails() const { return !recorded.at("error").is_null(); }
  /// Such a run has a given latent in place of a picture's.
  bool starts_from_latent() const { return fields().contains("denoising_strength"); }
  bool is_adaptive() const { return recorded.at("sampler") == "DPM adaptive"; }
  GoldenTensors tensors() const { return load_goldens(folder() / "tensors.safetensors"); }
  std::filesystem::path folder() const { return webui_dir() / "cases" / id; }
  double floor(const char* of) const { return recorded.at("floor").at("perturb").at(of); }

  std::string id;
  nlohmann::json recorded;
};

/// Our word for a value of the web UI's.
inline std::string value_of_flag(const nlohmann::json& value) {
  static const std::map<std::string, std::string> words = {
      {"GPU", "cuda"},        {"CPU", "cpu"},       {"NV", "nv"},    {"Original", "original"},
      {"No norm", "no-norm"}, {"Ignore", "ignore"}, {"None", "none"}};
  if (!value.is_string()) return value.dump();
  const auto word = words.find(value);
  return word != words.end() ? word->second : value.get<std::string>();
}

inline std::string value_of_flag(const std::string& setting, const nlohmann::json& value) {
  if (setting == "pad_cond_uncond") return value == true ? "pad" : "apart";
  if (setting == "pad_cond_uncond_v0") return value == true ? "pad-old" : "apart";
  return value_of_flag(value);
}

/// The web UI's sampler, by a name that is not one of the reference's own.
inline std::string sampler_flag(const std::string& label) {
  return label == "DDIM" ? "webui_ddim" : label == "PLMS" ? "webui_plms" : label;
}

/// A case as flags of ours. `init_image`: with a strength, the file to start from; it gives the
/// size.
inline std::vector<std::string> flags_of(const WebUiCase& of, const std::string& outdir,
                                         const std::string& init_image = "") {
  const auto& fields = of.fields();
  const std::string model = (reference_dir() / "ckpt" / "sd-tiny").string();
  std::vector<std::string> flags = {"--seed-mode", "image",       "--prompt-syntax",
                                    "webui",       "--skip_grid", "--no-watermark"};
  const auto add = [&](const std::string& flag, const std::string& value) {
    flags.insert(flags.end(), {"--" + flag, value});
  };
  add("ckpt", model + ".ckpt");
  add("config", model + ".yaml");
  add("outdir", outdir);
  add("prompt", fields.at("prompt"));
  add("negative-prompt", fields.at("negative_prompt"));
  add("sampler", sampler_flag(of.recorded.at("sampler")));
  add("schedule", of.recorded.at("schedule"));
  for (const auto& [flag, field] : {std::pair{"seed", "seed"},
                                    {"scale", "cfg_scale"},
                                    {"ddim_steps", "steps"},
                                    {"n_samples", "batch_size"},
                                    {"n_iter", "n_iter"}}) {
    add(flag, fields.value(field, nlohmann::json(1)).dump());
  }
  if (init_image.empty()) {
    add("H", fields.at("height").dump());
    add("W", fields.at("width").dump());
  } else {
    add("init-img", init_image);
  }
  for (const auto* from : {&of.recorded.at("settings"), &fields}) {
    for (const auto& [name, value] : from->items()) {
      const auto flag = webui_flags().find(name);
      if (flag != webui_flags().end()) {
        flags.push_back("--" + flag->second + "=" + value_of_flag(name, value));
      }
    }
  }
  return flags;
}

/// A case's id as GoogleTest takes names.
inline std::string webui_test_name(const testing::TestParamInfo<std::string>& of) {
  std::string name = of.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

/// What the program plans for a case: a request a batch. A run from a latent is planned for a blank
/// picture.
inline std::vector<Request> requests_of(const WebUiCase& of) {
  const TempFolder folder;
  std::string picture;
  if (of.starts_from_latent()) {
    picture = (folder / "blank.png").string();
    image::write_png(picture, Image(of.fields().at("width"), of.fields().at("height")));
  }
  std::vector<std::string> argv = flags_of(of, folder.path().string(), picture);
  CLI::App app;
  Settings settings(picture.empty() ? Script::kTxt2Img : Script::kImg2Img);
  cli::add_run_flags(&app, &settings);
  std::reverse(argv.begin(), argv.end());  // as CLI11 takes them
  app.parse(argv);
  const ModelDescription model =
      describe_model({.checkpoint = settings.ckpt, .config = settings.config});
  const job::BatchPlan plan = job::plan_batches(settings, model, /*built_in_model=*/false);
  pipeline::NoisePlan noise(model, settings.fixed_code);
  std::vector<Request> requests;
  for (int64_t pass = 0; pass < plan.passes; ++pass) {
    for (const job::PlannedBatch& batch : plan.batches) {
      requests.push_back(job::request_of(batch, pass));
      noise.place(&requests.back());
    }
  }
  return requests;
}

}  // namespace sd::test
