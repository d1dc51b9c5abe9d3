#include "cli/profile_table.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/strings.h"

namespace sd::cli {
namespace {

constexpr double kWorthALine = 1e-3;  // of the whole run

std::string line(const std::string& name, int depth, const std::string& calls, double seconds,
                 double whole, double flop) {
  const std::string indented = std::string(2 * static_cast<size_t>(depth), ' ') + name;
  std::string text = fmt::format("  {:34} {:>8} {:>10.3f} {:>7.1f}%", indented, calls, seconds,
                                 whole > 0 ? 100 * seconds / whole : 0.0);
  if (flop > 0) {
    text +=
        fmt::format(" {:>12.1f} {:>9.1f}", flop * 1e-9, seconds > 0 ? flop * 1e-9 / seconds : 0.0);
  }
  return text + "\n";
}

/// Appends the zone at `place` and those inside it; returns the place after them.
size_t append(const runtime::Profile& profile, size_t place, std::string* text) {
  const runtime::ZoneTimes& zone = profile.zones[place];
  *text += line(zone.name, zone.depth, std::to_string(zone.calls), zone.seconds, profile.seconds,
                zone.flop);
  size_t next = place + 1;
  while (next < profile.zones.size() && profile.zones[next].depth > zone.depth) {
    next = append(profile, next, text);
  }
  if (next > place + 1 && zone.self_seconds >= kWorthALine * profile.seconds) {
    *text += line("other", zone.depth + 1, "", zone.self_seconds, profile.seconds, 0);
  }
  return next;
}

}  // namespace

std::string profile_table(const runtime::Profile& profile) {
  std::string text = fmt::format("  {:34} {:>8} {:>10} {:>8} {:>12} {:>9}\n", "zone", "calls",
                                 "seconds", "share", "GFLOP", "GFLOP/s");
  double in_zones = 0;
  for (size_t place = 0; place < profile.zones.size();) {
    in_zones += profile.zones[place].seconds;
    place = append(profile, place, &text);
  }
  text += line("other", 0, "", profile.seconds - in_zones, profile.seconds, 0);
  return text + line("all", 0, "", profile.seconds, profile.seconds, 0);
}

std::string profile_json(const runtime::Profile& profile) {
  nlohmann::ordered_json zones = nlohmann::ordered_json::array();
  std::vector<std::string> path;
  for (const runtime::ZoneTimes& zone : profile.zones) {
    path.resize(static_cast<size_t>(zone.depth));
    path.push_back(zone.name);
    zones.push_back({{"zone", join(path, "/")},
                     {"calls", zone.calls},
                     {"seconds", zone.seconds},
                     {"self_seconds", zone.self_seconds},
                     {"gflop", zone.flop * 1e-9}});
  }
  const nlohmann::ordered_json all = {{"seconds", profile.seconds}, {"zones", std::move(zones)}};
  return all.dump(1) + "\n";
}

}  // namespace sd::cli
