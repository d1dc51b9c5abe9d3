#include "job/settings.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/split.h"
#include "job/setting_values.h"

namespace sd::job {
namespace {

using nlohmann::json;

template <class T>
std::vector<std::string> words_of(const T&) {
  return {};
}
template <values::Enumeration T>
std::vector<std::string> words_of(const T&) {
  return values::words<T>();
}
template <values::Enumeration T>
std::vector<std::string> words_of(const std::optional<T>&) {
  return values::words<T>();
}

std::vector<Setting> describe_all() {
  std::vector<Setting> all;
  const auto describe = [&](const char* key, const auto& value, const About& about) {
    using Value = std::remove_cvref_t<decltype(value)>;
    all.push_back({.place = all.size(),
                   .key = key,
                   .about = about,
                   .kind = *about.kind != '\0' ? about.kind : std::string(values::kind_of(value)),
                   .words = words_of(value),
                   .is_switch = std::is_same_v<Value, bool>,
                   .repeats = std::is_same_v<Value, std::vector<LoraUse>>});
  };
  const Settings any;
  visit_line_settings(any, describe);
  const size_t of_lines = all.size();
  all.clear();
  visit_settings(any, describe);
  for (Setting& setting : all) setting.is_line = setting.place < of_lines;
  return all;
}

/// A limit, without the exponent that a large one would get.
std::string limit_text(double limit) {
  const auto whole = static_cast<int64_t>(limit);
  return static_cast<double>(whole) == limit ? std::to_string(whole) : values::text_of(limit);
}

[[noreturn]] void refuse_number(const char* key, const Limits& limits, const std::string& found) {
  throw Error(ErrorKind::kUsage,
              std::string("`") + key + "` must be from " + limit_text(limits.least) + " to " +
                  limit_text(limits.most) + ", found " + found,
              "leave it out for the default");
}

struct CheckLimits {
  template <class T>
  void operator()(const char* key, const T& value, const About& about) const {
    const auto number = values::number_of(value);
    if (!number || !about.limits.exist()) return;
    if (*number >= about.limits.least && *number <= about.limits.most) return;
    refuse_number(key, about.limits, values::text_of(value));
  }
};

/// Calls `set` with the key, the value and the About of one row.
template <class Set>
struct AtPlace {
  size_t place;
  Set set;
  size_t next = 0;

  template <class T>
  void operator()(const char* key, T& value, const About& about) {
    if (next++ == place) set(key, &value, about);
  }
};
template <class Set>
AtPlace(size_t, Set) -> AtPlace<Set>;  // which C++20 derives, and clang 14 does not

auto parse_text(const std::string& text) {
  return [&text](const char*, auto* value, const About&) { values::parse(text, value); };
}

}  // namespace

std::vector<std::string> Setting::flags() const {
  const auto names = split_list(about.flags, ',');
  return {names.begin(), names.end()};
}

bool Setting::known_to(Script script) const {
  if (about.scripts == Scripts::kBoth) return true;
  return (about.scripts == Scripts::kImg2Img) == (script == Script::kImg2Img);
}

const std::vector<Setting>& all_settings() {
  static const std::vector<Setting> all = describe_all();
  return all;
}

const Setting* find_setting(std::string_view key) {
  for (const Setting& setting : all_settings()) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

void set_text(LineSettings* settings, const Setting& setting, const std::string& text) {
  visit_line_settings(*settings, AtPlace{setting.place, parse_text(text)});
  if (setting.key == "sampler") settings->plms = settings->dpm_solver = false;
}

void set_text(Settings* settings, const Setting& setting, const std::string& text) {
  visit_settings(*settings, AtPlace{setting.place, parse_text(text)});
}

void set_json(Settings* settings, const Setting& setting, const json& value) {
  const auto set = [&value](const char* key, auto* to, const About& about) {
    values::read(value, to);
    CheckLimits()(key, *to, about);
  };
  visit_settings(*settings, AtPlace{setting.place, set});
}

std::vector<std::string> text_values(const Settings& settings) {
  std::vector<std::string> all;
  visit_settings(settings, [&](const char*, const auto& value, const About&) {
    all.push_back(values::text_of(value));
  });
  return all;
}

std::vector<json> json_values(const Settings& settings) {
  std::vector<json> all;
  visit_settings(settings, [&](const char*, const auto& value, const About&) {
    all.push_back(values::write(value));
  });
  return all;
}

void check_limits(const LineSettings& settings) { visit_line_settings(settings, CheckLimits()); }

void check_limits(const Settings& settings) { visit_settings(settings, CheckLimits()); }

const char* default_outdir(const Settings& settings) {
  if (settings.script == Script::kImg2Img) return "outputs/img2img-samples";
  return settings.laion400m ? "outputs/txt2img-samples-laion400m" : "outputs/txt2img-samples";
}

namespace {

/// What no run takes, though it is said elsewhere than in the setting's row.
struct Drawable {
  std::string_view key;
  Limits limits;
};
constexpr Drawable kDrawable[] = {{"steps", {1, 10'000}}, {"strength", {0, 1}}};

void check_drawable(const char* key, const std::optional<double>& number) {
  if (number && !std::isfinite(*number)) values::refuse("a finite number", "none");
  for (const Drawable& each : kDrawable) {
    if (key != each.key || !number) continue;
    if (*number >= each.limits.least && *number <= each.limits.most) continue;
    refuse_number(key, each.limits, values::text_of(*number));
  }
}

}  // namespace

bool try_set(Settings* settings, std::string_view key, const std::string& text) {
  const Setting* setting = find_setting(key);
  if (setting == nullptr || !setting->known_to(settings->script)) return false;
  try {
    Settings changed = *settings;
    set_text(&changed, *setting, text);
    check_limits(changed);
    visit_settings(changed,
                   AtPlace{setting->place, [](const char* name, auto* value, const About&) {
                             check_drawable(name, values::number_of(*value));
                           }});
    *settings = std::move(changed);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace sd::job

namespace sd {

Settings::Settings(Script of) : script(of) {
  picture.prompt = "a painting of a virus monster playing guitar";
  if (of == Script::kTxt2Img) return;
  picture.scale = 5.0;
  n_iter = 1;
  n_samples = 2;
}

}  // namespace sd
