#include "job/lora_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/regular_file.h"
#include "base/strings.h"
#include "job/setting_values.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;
namespace {

constexpr const char* kForm = "it is FILE, FILE:UNET or FILE:UNET:TE, as in style.safetensors:0.8";

std::optional<double> number_in(const std::string& text) {
  try {
    double value = 0;
    values::parse(text, &value);
    if (std::isfinite(value)) return value;
  } catch (const Error&) {  // no number
  }
  return std::nullopt;
}

/// What stands behind a colon: "0.8", "te=0.5".
struct Option {
  std::string name;
  double value;
};

std::optional<Option> parse_option(const std::string& text) {
  std::string name;
  const size_t equals = text.find('=');
  if (equals != std::string::npos) name = text.substr(0, equals);
  const bool known = name.empty() || name == "te" || name == "unet" || name == "dyn";
  const auto value = number_in(text.substr(name.empty() ? 0 : equals + 1));
  if (!known || !value) return std::nullopt;
  return Option{name, *value};
}

/// Cuts the options off the end of a text, the last first.
std::vector<Option> cut_options(std::string* text) {
  std::vector<Option> options;
  while (!is_regular(*text)) {
    const size_t colon = text->rfind(':');
    if (colon == std::string::npos || colon == 0) break;
    const auto option = parse_option(text->substr(colon + 1));
    if (!option) break;
    options.insert(options.begin(), *option);
    text->resize(colon);
  }
  return options;
}

[[noreturn]] void refuse(const std::string& what, const std::string& text) {
  throw Error(ErrorKind::kUsage, what + ", found " + values::quoted(text), kForm);
}

}  // namespace

LoraUse parse_lora(const std::string& text) {
  LoraUse use{.file = text};
  const std::vector<Option> options = cut_options(&use.file);
  if (use.file.empty()) refuse("expected an adapter's file", text);
  if (const size_t colon = use.file.rfind(':'); colon != std::string::npos &&
                                                !is_regular(use.file) &&
                                                is_regular(use.file.substr(0, colon))) {
    refuse("expected numbers after " + printable(use.file.substr(0, colon)), text);
  }
  std::optional<double> unet, te;
  for (const Option& option : options) {
    if (option.name == "dyn") {
      if (option.value < 1 || option.value != std::floor(option.value)) {
        refuse("expected a whole number of ranks", text);
      }
      use.rank = static_cast<int64_t>(std::min(option.value, 1e9));
      continue;
    }
    const bool is_te = option.name == "te" || (option.name.empty() && unet);
    if (is_te ? te.has_value() : unet.has_value()) refuse("expected each strength once", text);
    (is_te ? te : unet) = option.value;
  }
  use.unet = unet.value_or(1);
  use.text = te.value_or(use.unet);
  return use;
}

std::string text_of_lora(const LoraUse& use) {
  const std::string rank = use.rank ? fmt::format(":dyn={}", *use.rank) : "";
  const std::vector<std::string> parts = {use.file, values::text_of(use.unet),
                                          values::text_of(use.text)};
  return join(parts, ":").append(rank);
}

std::string lora_name(const std::string& file) { return fs::path(file).stem().string(); }

std::string webui_text(const LoraUse& use) {
  std::vector<std::string> parts = {"<lora", lora_name(use.file), values::text_of(use.text)};
  if (use.unet != use.text || use.rank) parts.push_back(values::text_of(use.unet));
  if (use.rank) parts.push_back(std::to_string(*use.rank));
  return join(parts, ":").append(">");
}

}  // namespace sd::job
