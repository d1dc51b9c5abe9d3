#include "weights/name_maps/name_maps.h"

namespace sd::weights {

std::string ema_name(std::string_view name) {
  constexpr std::string_view kModel = "model.";
  if (!name.starts_with(kModel)) return std::string(name);
  std::string averaged(name.substr(kModel.size()));
  std::erase(averaged, '.');
  return "model_ema." + averaged;
}

}  // namespace sd::weights
