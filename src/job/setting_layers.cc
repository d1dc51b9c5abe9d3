#include "job/setting_layers.h"

#include "sd/error.h"

namespace sd::job {

void LayeredSettings::add(const SettingLayer& layer) {
  for (const LayerValue& value : layer.values) {
    const std::string decides = value.setting->about.decides;
    std::erase_if(winners_, [&](const auto& winner) {
      const auto& [place, won] = winner;
      return !decides.empty() && won.value.setting->about.decides == decides &&
             won.origin != layer.origin;
    });
    winners_[value.setting->place] = {value, layer.origin, layer.typed};
  }
}

void LayeredSettings::keep_to_job(const SettingLayer& of_job) {
  std::erase_if(winners_, [](const auto& winner) { return winner.second.is_of_files(); });
  for (const LayerValue& value : of_job.values) {
    winners_.try_emplace(value.setting->place, Winner{value, of_job.origin});
  }
}

std::vector<std::string> LayeredSettings::keys_from_files() const {
  std::vector<std::string> keys;
  for (const auto& [place, winner] : winners_) {
    if (winner.is_of_files()) keys.push_back(winner.value.setting->key);
  }
  return keys;
}

Settings LayeredSettings::settings(Script script) const {
  Settings settings(script);
  for (const auto& [place, winner] : winners_) {
    const auto& [setting, text] = winner.value;
    if (!text || !setting->known_to(script)) continue;
    try {
      set_text(&settings, *setting, *text);
    } catch (const Error& error) {
      throw Error(ErrorKind::kUsage, winner.origin + ": `" + setting->key + "`: " + error.what(),
                  "sd settings shows where each value comes from");
    }
  }
  return settings;
}

const std::string* LayeredSettings::origin(const Setting& setting) const {
  const auto found = winners_.find(setting.place);
  return found == winners_.end() ? nullptr : &found->second.origin;
}

}  // namespace sd::job
