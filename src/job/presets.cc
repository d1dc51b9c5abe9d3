#include "job/presets.h"

namespace sd {

std::span<const Preset> presets() {
  static const std::vector<Preset> all = {{"exact",
                                           "the reference's defaults",
                                           {{"sampler", "ddim"},
                                            {"schedule", "automatic"},
                                            {"steps", "50"},
                                            {"precision", "autocast"},
                                            {"guidance_from", "0"},
                                            {"guidance_until", "1"}}}};
  return all;
}

const Preset* find_preset(const std::string& name) {
  for (const Preset& preset : presets()) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.push_back(preset.name);
  return names;
}

}  // namespace sd
