#include "sampling/sampler.h"

#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "base/strings.h"
#include "sampling/schedule.h"
#include "sd/error.h"

namespace sd::sampling {
namespace {

const Sampler* find_by_name(std::string_view name) {
  for (const Sampler& sampler : samplers()) {
    if (is_name(name, sampler.name)) return &sampler;
  }
  return nullptr;
}

/// What stands before a space and `end`, if the name ends so.
std::optional<std::string_view> ends_in(std::string_view name, std::string_view end) {
  if (end.empty() || name.size() < end.size() + 2) return std::nullopt;
  const size_t begin = name.size() - end.size();
  if (name[begin - 1] != ' ' || !is_name(name.substr(begin), end)) return std::nullopt;
  return name.substr(0, begin - 1);
}

const Sampler* named_or_labelled(std::string_view name) {
  const Sampler* sampler = find_by_name(name);
  return sampler != nullptr ? sampler : find_webui_sampler(name);
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const Sampler& sampler : samplers()) names.emplace_back(sampler.name);
  return names;
}

/// Short names, and labels that are not alike.
std::vector<std::string> names_and_labels() {
  std::vector<std::string> names = all_names();
  for (const Sampler& sampler : samplers()) {
    if (!sampler.reference && !is_name(sampler.label, sampler.name))
      names.emplace_back(sampler.label);
  }
  return names;
}

/// As unknown_name: the names that are nearest to what was typed, or to its beginning where a
/// schedule may stand behind it.
Error unknown_sampler(std::string_view typed) {
  const std::vector<std::string> names = names_and_labels();
  std::string_view nearest = typed;
  for (const Schedule& schedule : schedules()) {
    if (const auto end = ends_in(typed, schedule.label)) nearest = *end;
  }
  const std::vector<std::string> found = nearest_names(nearest, names);
  return Error(ErrorKind::kUsage, "there is no sampler '" + printable(typed, 40) + "'",
               found.empty() ? "`sd samplers` lists them: " + join(all_names(), ", ")
                             : "nearest: " + join(found, ", "));
}

}  // namespace

const Sampler* find_webui_sampler(std::string_view label) {
  for (const Sampler& sampler : samplers()) {
    if (sampler.reference) continue;
    if (is_name(label, sampler.label) || is_one_of(label, sampler.old_names)) return &sampler;
  }
  return nullptr;
}

SamplerChoice choose_sampler(std::string_view name) {
  if (const Sampler* sampler = named_or_labelled(name)) return {*sampler, nullptr};
  const auto before = [name](std::string_view end) -> const Sampler* {
    const auto first = ends_in(name, end);
    return first ? named_or_labelled(*first) : nullptr;
  };
  if (const Sampler* found = before(kAutomaticSchedule)) return {*found, nullptr};
  for (const Schedule& schedule : schedules()) {
    for (const std::string_view end : {schedule.label, schedule.name, schedule.old_names}) {
      if (const Sampler* found = before(end)) return {*found, &schedule};
    }
  }
  throw unknown_sampler(name);
}

const Sampler& find_sampler(std::string_view name) {
  if (const Sampler* sampler = find_by_name(name)) return *sampler;
  throw unknown_name("sampler", name, all_names());
}

}  // namespace sd::sampling
