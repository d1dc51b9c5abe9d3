#include "job/webui_pasting.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "job/setting_values.h"
#include "job/webui_version.h"
#include "sampling/sampler.h"
#include "text/prompt_syntax.h"

namespace sd::job {
namespace {

using nlohmann::ordered_json;

constexpr const char* kAutomatic = "Automatic";

/// What a field is where the text does not say (modules/infotext_utils.py).
struct Default {
  const char* field;
  ordered_json value;
};
const Default kDefaults[] = {{"Clip skip", "1"},
                             {"Hires resize-1", 0},
                             {"Hires resize-2", 0},
                             {"Hires sampler", "Use same sampler"},
                             {"Hires schedule type", "Use same scheduler"},
                             {"Hires checkpoint", "Use same checkpoint"},
                             {"Hires prompt", ""},
                             {"Hires negative prompt", ""},
                             {"Mask mode", "Inpaint masked"},
                             {"Masked content", "original"},
                             {"Inpaint area", "Whole picture"},
                             {"Masked area padding", 32},
                             {"RNG", "GPU"},
                             {"Schedule type", kAutomatic},
                             {"Schedule max sigma", 0},
                             {"Schedule min sigma", 0},
                             {"Schedule rho", 0},
                             {"VAE Encoder", "Full"},
                             {"VAE Decoder", "Full"},
                             {"FP8 weight", "Disable"},
                             {"Refiner switch by sampling steps", false}};

/// A setting that follows a field, and its default (modules/shared_options.py).
struct Override {
  const char* field;
  const char* setting;
  ordered_json value;
};
const Override kOverrides[] = {
    {"Face restoration", "face_restoration", false},
    {"Emphasis", "emphasis", "Original"},
    {"Clip skip", "CLIP_stop_at_last_layers", 1},
    {"RNG", "randn_source", "GPU"},
    {"Tiling", "tiling", false},
    {"Hires refiner", "hires_fix_refiner_pass", "second pass"},
    {"VAE", "sd_vae", kAutomatic},
    {"VAE Encoder", "sd_vae_encode_method", "Full"},
    {"VAE Decoder", "sd_vae_decode_method", "Full"},
    {"Conditional mask weight", "inpainting_mask_weight", 1.0},
    {"Noise multiplier", "initial_noise_multiplier", 1.0},
    {"Extra noise", "img2img_extra_noise", 0.0},
    {"NGMS", "s_min_uncond", 0.0},
    {"NGMS all steps", "s_min_uncond_all", false},
    {"Token merging ratio", "token_merging_ratio", 0.0},
    {"Token merging ratio hr", "token_merging_ratio_hr", 0.0},
    {"Pad conds", "pad_cond_uncond", false},
    {"Pad conds v0", "pad_cond_uncond_v0", false},
    {"Old prompt editing timelines", "use_old_scheduling", false},
    {"Downcast alphas_cumprod", "use_downcasted_alpha_bar", false},
    {"Refiner switch by sampling steps", "refiner_switch_by_sample_steps", false},
    {"Eta DDIM", "eta_ddim", 0.0},
    {"Eta", "eta_ancestral", 1.0},
    {"Sigma churn", "s_churn", 0.0},
    {"Sigma tmin", "s_tmin", 0.0},
    {"Sigma tmax", "s_tmax", 0.0},
    {"Sigma noise", "s_noise", 1.0},
    {"Schedule min sigma", "sigma_min", 0.0},
    {"Schedule max sigma", "sigma_max", 0.0},
    {"Schedule rho", "rho", 0.0},
    {"ENSD", "eta_noise_seed_delta", 0},
    {"Discard penultimate sigma", "always_discard_next_to_last_sigma", false},
    {"SGM noise multiplier", "sgm_noise_multiplier", false},
    {"UniPC variant", "uni_pc_variant", "bh1"},
    {"UniPC skip type", "uni_pc_skip_type", "time_uniform"},
    {"UniPC order", "uni_pc_order", 3},
    {"UniPC lower order final", "uni_pc_lower_order_final", true},
    {"Noise Schedule", "sd_noise_schedule", "Default"},
    {"Skip Early CFG", "skip_early_cond", 0.0},
    {"Beta scheduler alpha", "beta_dist_alpha", 0.6},
    {"Beta scheduler beta", "beta_dist_beta", 0.6}};

std::string text_of(const ordered_json& fields, const char* name) {
  const auto found = fields.find(name);
  if (found == fields.end()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

int64_t whole_of(const ordered_json& fields, const char* name, int64_t otherwise) {
  return values::decimal<int64_t>(text_of(fields, name)).value_or(otherwise);
}

bool weighs(const std::string& prompt) {
  try {
    const auto parts = text::parse_attention(prompt);
    return std::any_of(parts.begin(), parts.end(), [](const text::WeightedText& part) {
      return part.weight != 1 && part.text != text::kBreak.text;
    });
  } catch (const Error&) {
    return false;
  }
}

void add_hypernetwork(ordered_json* fields) {
  const std::string name = text_of(*fields, "Hypernet");
  if (name.empty()) return;
  const std::string strength = text_of(*fields, "Hypernet strength");
  (*fields)["Prompt"] = text_of(*fields, "Prompt") + "<hypernet:" + name + ":" +
                        (strength.empty() ? "1.0" : strength) + ">";
}

/// One side of the first pass of an old hires text: about 512x512 pixels in the picture's shape.
int64_t first_pass_side(int64_t side, double scale) {
  constexpr int64_t kMultiple = 64;
  return kMultiple * static_cast<int64_t>(std::ceil(scale * static_cast<double>(side) /
                                                    static_cast<double>(kMultiple)));
}

/// A text of the time when "Size" was the hires pass's.
void restore_first_pass(ordered_json* fields) {
  constexpr int64_t kSide = 512;
  if (!fields->contains("First pass size-1") || !fields->contains("First pass size-2")) return;
  const int64_t width = whole_of(*fields, "Size-1", kSide),
                height = whole_of(*fields, "Size-2", kSide);
  int64_t first_width = whole_of(*fields, "First pass size-1", 0);
  int64_t first_height = whole_of(*fields, "First pass size-2", 0);
  if (first_width == 0 || first_height == 0) {
    const double pixels = static_cast<double>(width) * static_cast<double>(height);
    const double scale = std::sqrt(kSide * kSide / std::max(pixels, 1.0));
    first_width = first_pass_side(width, scale);
    first_height = first_pass_side(height, scale);
  }
  (*fields)["Size-1"] = first_width;
  (*fields)["Size-2"] = first_height;
  (*fields)["Hires resize-1"] = width;
  (*fields)["Hires resize-2"] = height;
}

/// What a text of an older version implies (modules/infotext_versions.py).
void add_old_behaviour(ordered_json* fields) {
  static const WebUiVersion kEditing = {.numbers = {1, 6}};
  static const WebUiVersion kAlphas = {.numbers = {1, 7}, .place = 226};
  static const WebUiVersion kRefiner = {.numbers = {1, 8}};
  const auto version = parse_webui_version(text_of(*fields, "Version"));
  if (!version) return;
  const std::string sampler = text_of(*fields, "Sampler");
  if (*version < kEditing && text_of(*fields, "Prompt").find('[') != std::string::npos) {
    (*fields)["Old prompt editing timelines"] = true;
  }
  if (*version < kEditing && (sampler == "DDIM" || sampler == "PLMS")) {
    (*fields)["Pad conds v0"] = true;
  }
  if (*version < kAlphas) (*fields)["Downcast alphas_cumprod"] = true;
  if (*version < kRefiner && !text_of(*fields, "Refiner").empty()) {
    (*fields)["Refiner switch by sampling steps"] = true;
  }
}

/// A field's value as the setting's type; nothing where it is none.
std::optional<ordered_json> cast(const ordered_json& value, const ordered_json& like) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (like.is_boolean()) {
    return value.is_boolean() ? value : ordered_json(!text.empty() && text != "False");
  }
  if (like.is_number_float()) {
    const auto number = values::decimal<double>(text);
    return number ? std::optional<ordered_json>(*number) : std::nullopt;
  }
  if (like.is_number()) {
    const auto number = values::decimal<int64_t>(text);
    return number ? std::optional<ordered_json>(*number) : std::nullopt;
  }
  return ordered_json(text);
}

}  // namespace

ordered_json pasted_fields(const InfoText& text) {
  ordered_json fields = ordered_json::object();
  std::string width, height;
  for (const auto& [name, value] : text.fields) {
    if (is_size(value, &width, &height)) {
      fields[name + "-1"] = width;
      fields[name + "-2"] = height;
    } else {
      fields[name] = value;
    }
  }
  fields["Prompt"] = text.prompt;
  fields["Negative prompt"] = text.negative_prompt;
  const bool emphasis =
      !fields.contains("Emphasis") && (weighs(text.prompt) || weighs(text.negative_prompt));
  const bool fp8 = fields.contains("FP8 weight") && text_of(fields, "FP8 weight") != "Disable";
  add_hypernetwork(&fields);
  for (const Default& each : kDefaults) {
    if (!fields.contains(each.field)) fields[each.field] = each.value;
  }
  restore_first_pass(&fields);
  if (fp8 && !fields.contains("Cache FP16 weight for LoRA")) {
    fields["Cache FP16 weight for LoRA"] = false;
  }
  if (emphasis) fields["Emphasis"] = "Original";
  add_old_behaviour(&fields);
  return fields;
}

ordered_json pasted_overrides(const ordered_json& fields) {
  ordered_json overrides = ordered_json::array();
  for (const Override& each : kOverrides) {
    const auto found = fields.find(each.field);
    if (found == fields.end()) continue;
    const auto value = cast(*found, each.value);
    if (value && *value != each.value) overrides.push_back({each.field, each.setting, *value});
  }
  return overrides;
}

WebUiSampler webui_sampler(std::string sampler, const std::string& schedule, bool pastes) {
  WebUiSampler found = {.sampler = "DPM++ 2M", .schedule = kAutomatic, .known = false};
  const char* usual = "karras";  // of DPM++ 2M
  const char* chosen = "automatic";
  const auto choose = [&](const char* name, const char* label) {
    chosen = name;
    found.schedule = label;
  };
  for (const sampling::Schedule& each : sampling::schedules()) {
    if (schedule == each.name || schedule == each.label) choose(each.name, each.label);
  }
  const auto ends_in = [&](std::string_view name) {
    return !name.empty() && sampler.size() > name.size() && sampler.ends_with(name) &&
           sampler[sampler.size() - name.size() - 1] == ' ';
  };
  const auto cut = [&](const char* name, const char* label, const char* old_name) {
    for (const std::string_view each :
         {std::string_view(label), std::string_view(name), std::string_view(old_name)}) {
      if (!ends_in(each)) continue;
      choose(name, label);
      sampler.erase(sampler.size() - each.size() - 1);
      break;
    }
  };
  cut("automatic", kAutomatic, "");
  for (const sampling::Schedule& each : sampling::schedules())
    cut(each.name, each.label, each.old_names);
  for (const sampling::Sampler& each : sampling::samplers()) {
    if (each.reference || sampler != each.label) continue;
    found.sampler = each.label;
    found.known = true;
    usual = each.schedule;
  }
  const bool is_usual = std::string_view(usual) == chosen;
  if (pastes && is_usual && std::string_view(usual) != "uniform") found.schedule = kAutomatic;
  return found;
}

}  // namespace sd::job
