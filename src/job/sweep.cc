#include "job/sweep.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/names.h"
#include "base/split.h"
#include "base/strings.h"
#include "job/settings.h"
#include "sd/error.h"

namespace sd::job {
namespace {

/// The setting that a line may have under that flag or key.
const Setting& setting_of(const std::string& name, Script script) {
  std::vector<std::string> names;
  for (const Setting& setting : all_settings()) {
    const bool in_lines = setting.is_line && setting.about.where != Settable::kNowhere;
    if (!in_lines || !setting.known_to(script)) continue;
    const auto flags = setting.flags();
    names.push_back(flags.front());
    for (const std::string& flag : flags) {
      if (is_name(name, flag)) return setting;
    }
    if (name == setting.key) return setting;
  }
  throw unknown_name("setting for `sweep`", name, names);
}

void set_value(LineSettings* line, const SweepAxis& axis, const std::string& value, Script script) {
  const Setting& setting = setting_of(axis.setting, script);
  try {
    set_text(line, setting, value);
  } catch (const Error& error) {
    throw Error(error.kind(), "`sweep` of " + printable(axis.setting, 60) + ": " + error.what(),
                error.hint());
  }
}

/// The line with one value of each axis, all combinations.
std::vector<PromptLine> combinations(const Sweep& sweep, const PromptLine& line,
                                     const Settings& settings) {
  std::vector<PromptLine> all = {line};
  for (const SweepAxis& axis : sweep) {
    std::vector<PromptLine> next;
    for (const PromptLine& each : all) {
      for (const std::string& value : axis.values) {
        next.push_back(each);
        set_value(&next.back().settings, axis, value, settings.script);
      }
    }
    all = std::move(next);
  }
  return all;
}

std::string label(const SweepAxis& axis, size_t i) {
  return axis.setting + " " + axis.values[i % axis.values.size()];
}

}  // namespace

SweepAxis parse_sweep_axis(const std::string& text) {
  constexpr size_t kMostValues = 1000;
  const size_t equals = text.find('=');
  SweepAxis axis = {.setting = text.substr(0, equals), .values = {}};
  if (equals != std::string::npos) {
    for (const auto value : split(std::string_view(text).substr(equals + 1), ',')) {
      axis.values.emplace_back(value);
    }
  }
  if (axis.setting.empty() || axis.values.empty() || axis.values.size() > kMostValues) {
    throw Error(ErrorKind::kUsage,
                "expected a setting and its values like scale=3,5,7, found " + printable(text, 60));
  }
  return axis;
}

namespace {

/// A setting that is swept twice would keep the value of its last axis alone.
void check_axes(const Sweep& sweep, Script script) {
  std::set<std::string> seen;
  for (const SweepAxis& axis : sweep) {
    if (seen.insert(setting_of(axis.setting, script).key).second) continue;
    throw Error(
        ErrorKind::kUsage,
        "`sweep` names " + printable(axis.setting, 60) + " twice, and a picture has one value",
        "give all values of a setting at once, as in scale=3,5,7");
  }
}

}  // namespace

std::vector<PromptLine> sweep_lines(const Sweep& sweep, const Settings& settings,
                                    std::vector<PromptLine> lines) {
  if (sweep.empty()) return lines;
  check_axes(sweep, settings.script);
  constexpr size_t kMostLines = 10'000;
  size_t count = std::max<size_t>(lines.size(), 1);
  for (const SweepAxis& axis : sweep) count *= axis.values.size();
  if (count > kMostLines) {
    throw Error(ErrorKind::kUsage,
                fmt::format("`sweep` asks for {} pictures; the limit is {}", count, kMostLines),
                "take fewer values");
  }
  if (lines.empty()) lines = {{.number = 1, .settings = settings, .problem = {}, .hint = {}}};
  std::vector<PromptLine> all;
  for (PromptLine& line : lines) {
    if (!line.settings.picture.seed) line.settings.picture.seed = settings.seed;
    const auto each = combinations(sweep, line, settings);
    all.insert(all.end(), each.begin(), each.end());
  }
  return all;
}

image::SheetLabels sweep_labels(const Sweep& axes, size_t lines) {
  image::SheetLabels labels;
  size_t combinations = 1;
  for (const SweepAxis& axis : axes) combinations *= axis.values.size();
  const SweepAxis& last = axes.back();
  for (size_t i = 0; i < last.values.size(); ++i) labels.columns.push_back(label(last, i));
  const size_t rows = lines / last.values.size();
  for (size_t row = 0; row < rows; ++row) {
    std::string text;
    size_t rest = row;
    for (size_t axis = axes.size() - 1; axis-- > 0;) {
      text = fmt::format("{}{}{}", label(axes[axis], rest), text.empty() ? "" : ", ", text);
      rest /= axes[axis].values.size();
    }
    if (lines > combinations) {
      const size_t line = row * last.values.size() / combinations + 1;
      text = fmt::format("line {}{}{}", line, text.empty() ? "" : ", ", text);
    }
    if (!text.empty()) labels.rows.push_back(text);
  }
  return labels;
}

}  // namespace sd::job
