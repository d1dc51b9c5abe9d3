#include "job/foreign/foreign_settings.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "job/infotext_fields.h"
#include "job/settings.h"
#include "sampling/sampler.h"
#include "sd/error.h"
#include "text/prompt_syntax.h"

namespace sd::job {
namespace {

/// Settings that a program implies, by their keys.
struct Implied {
  const char* program;
  std::vector<std::pair<const char*, const char*>> settings;
};
const Implied kImplied[] = {
    {"ComfyUI", {{"rng", "cpu"}, {"quantize", "true"}, {"sgm_noise", "true"}}},
    {"SwarmUI", {{"rng", "cpu"}, {"quantize", "true"}, {"sgm_noise", "true"}}},
    {"Fooocus", {{"rng", "cpu"}, {"quantize", "true"}, {"sgm_noise", "true"}}},
    {"InvokeAI", {{"rng", "cpu"}, {"prompt_syntax", "plain"}}},
    {"InvokeAI 1", {{"prompt_syntax", "plain"}}},
    {"InvokeAI 2", {{"prompt_syntax", "plain"}}}};

class Converter {
 public:
  Converter(const ForeignRecord& record, std::vector<std::string>* cannot)
      : record_(record),
        cannot_(cannot),
        settings_(record.strength && *record.strength != 1 ? Script::kImg2Img : Script::kTxt2Img) {}

  Settings convert() {
    settings_.n_samples = settings_.n_iter = 1;
    settings_.seed_mode = SeedMode::kImage;
    settings_.picture.prompt = record_.prompt.value_or("");
    settings_.picture.negative_prompt = record_.negative.value_or("");
    try_set(&settings_, "prompt_syntax", "webui");
    take("scale", record_.scale);
    take("steps", record_.steps);
    take("drawn_width", record_.width);
    take("drawn_height", record_.height);
    if (record_.clip_skip && *record_.clip_skip != 1) take("clip_skip", record_.clip_skip);
    settings_.seed = record_.seed.value_or(0);
    if (settings_.script == Script::kImg2Img) take("strength", record_.strength);
    take_sampler();
    for (const Implied& implied : kImplied) {
      if (record_.program != implied.program) continue;
      for (const auto& [key, value] : implied.settings) try_set(&settings_, key, value);
    }
    take_noise();
    say_absent();
    return std::move(settings_);
  }

 private:
  template <class T>
  void take(const char* key, const std::optional<T>& value) {
    if (!value) return;
    std::string text = nlohmann::json(*value).dump();
    if (text.ends_with(".0")) text.erase(text.size() - 2);
    if (!try_set(&settings_, key, text)) cannot_->push_back(std::string(key) + ": " + text);
  }

  void take_sampler() {
    const sampling::Sampler* sampler =
        record_.sampler ? sampling::find_webui_sampler(*record_.sampler) : nullptr;
    if (sampler != nullptr) settings_.batch.sampler = sampler->name;
    if (record_.program == "InvokeAI 1") {
      if (record_.sampler == "DDIM") settings_.batch.sampler = "ddim";
      if (record_.sampler == "PLMS") settings_.batch.sampler = "plms";
    }
    const sampling::Schedule* schedule =
        record_.schedule ? sampling::find_schedule(*record_.schedule) : nullptr;
    if (schedule != nullptr) settings_.batch.schedule = schedule->name;
  }

  void take_noise() {
    const std::string noise = record_.noise.value_or("");
    if (noise.find("CPU") != std::string::npos) settings_.rng = RngKind::kCpu;
    if (record_.extra.contains("ensd")) take("seed_delta", std::optional(record_.extra["ensd"]));
    if (!record_.variation.is_array() || record_.variation.empty()) return;
    const auto& first = record_.variation[0];
    if (record_.variation.size() > 1) cannot_->emplace_back("more than one variation");
    take("variation_seed", std::optional(first.value("seed", nlohmann::json(0))));
    take("variation_strength", std::optional(first.value("weight", nlohmann::json(0))));
  }

  void say_absent() {
    const std::pair<const char*, bool> kNeeded[] = {{"prompt", record_.prompt.has_value()},
                                                    {"sampler", record_.sampler.has_value()},
                                                    {"steps", record_.steps.has_value()},
                                                    {"seed", record_.seed.has_value()}};
    for (const auto& [name, known] : kNeeded) {
      if (!known) cannot_->push_back(std::string("no ") + name + " that is known");
    }
    if (!record_.hires.is_null() && record_.infotext == std::nullopt) {
      cannot_->emplace_back("a second pass of another program");
    }
  }

  const ForeignRecord& record_;
  std::vector<std::string>* cannot_;
  Settings settings_;
};

/// The names of adapters that a prompt has in itself.
std::set<std::string> adapters_in(const std::string& prompt) {
  std::set<std::string> names;
  try {
    for (const text::NetworkUse& use : text::parse_prompt(prompt, PromptSyntax::kWebUi).networks) {
      if (text::is_adapter(use)) names.insert(use.name);
    }
  } catch (const Error&) {  // said elsewhere
  }
  return names;
}

}  // namespace

Settings settings_of(const ForeignRecord& record, std::vector<std::string>* cannot) {
  *cannot = record.cannot;
  Settings settings;
  if (record.infotext && !record.infotext->fields.empty()) {
    WebUiSettings of = settings_of_infotext(*record.infotext);
    settings = std::move(of.settings);
  } else {
    settings = Converter(record, cannot).convert();
  }
  const std::set<std::string> in_prompt = adapters_in(settings.picture.prompt);
  for (const ForeignLora& lora : record.loras) {
    if (in_prompt.contains(lora.name)) continue;
    settings.batch.loras.push_back(
        {.file = lora.name, .unet = lora.weight, .text = lora.text_weight.value_or(lora.weight)});
  }
  const std::string vae = record.extra.value("vae", "");
  if (!vae.empty() && vae != "Automatic" && vae != "None" && !try_set(&settings, "vae", vae)) {
    cannot->push_back("the autoencoder " + printable(vae, 60));
  }
  settings.ckpt = record.model.value_or("");
  return settings;
}

}  // namespace sd::job
