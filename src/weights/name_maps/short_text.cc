#include "weights/name_maps/name_maps.h"

namespace sd::weights {

std::string short_text_name(std::string_view name) {
  constexpr std::string_view kTower = "cond_stage_model.transformer.text_model.";
  if (!name.starts_with(kTower)) return std::string(name);
  return "cond_stage_model.transformer." + std::string(name.substr(kTower.size()));
}

}  // namespace sd::weights
