#include "job/lora_text.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/names.h"
#include "base/strings.h"
#include "job/setting_values.h"
#include "sd/error.h"
#include "text/prompt_syntax.h"

namespace sd {
namespace fs = std::filesystem;
namespace {

constexpr const char* kForm = "it is FILE, FILE:UNET or FILE:UNET:TE, as in style.safetensors:0.8";

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

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
  while (!is_file(*text)) {
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

/// The files below a folder that may be adapters, in order.
std::vector<fs::path> files_below(const fs::path& folder) {
  constexpr size_t kMost = 20000;
  std::vector<fs::path> files;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::string ending = at->path().extension().string();
    const bool fits =
        ending == ".safetensors" || ending == ".pt" || ending == ".bin" || ending == ".ckpt";
    if (fits && is_file(at->path()) && files.size() < kMost) files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

LoraUse parse_lora(const std::string& text) {
  LoraUse use{.file = text};
  const std::vector<Option> options = cut_options(&use.file);
  if (use.file.empty()) refuse("expected an adapter's file", text);
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
  const std::string rank = use.rank ? format(":dyn=%lld", static_cast<long long>(*use.rank)) : "";
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

std::string find_lora(const std::string& name, const std::string& folder) {
  if (is_file(name)) return name;
  const std::vector<fs::path> files = files_below(folder);
  for (const fs::path& file : files) {
    if (file.stem() == name || file.filename() == name) return file.string();
  }
  std::vector<std::string> names;
  for (const fs::path& file : files) {
    if (is_name(name, file.stem().string())) return file.string();
    names.push_back(file.stem().string());
  }
  const std::vector<std::string> nearest = nearest_names(name, names);
  throw Error(ErrorKind::kFile,
              "there is no adapter " + printable(name) + ", neither here nor in " +
                  printable(folder) + format(" (%zu files)", files.size()),
              nearest.empty() ? "`lora_dir` names another folder"
                              : "nearest: " + printable(join(nearest, ", ")));
}

std::vector<LoraUse> loras_of(const std::vector<LoraUse>& given, const std::string& webui_prompt,
                              const std::string& folder) {
  std::vector<LoraUse> all;
  for (const LoraUse& use : given) {
    if (use.in_prompt) continue;  // of the prompt that is read below
    all.push_back(use);
    all.back().file = find_lora(use.file, folder);
  }
  for (const NetworkUse& use : parse_prompt(webui_prompt, PromptSyntax::kWebUi).networks) {
    if (!is_adapter(use)) continue;
    all.push_back({.file = find_lora(use.name, folder),
                   .unet = use.unet_strength,
                   .text = use.text_strength,
                   .rank = use.rank,
                   .in_prompt = true});
  }
  return all;
}

}  // namespace sd
