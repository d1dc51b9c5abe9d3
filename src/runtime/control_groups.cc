#include "runtime/control_groups.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>

namespace sd::runtime {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, by);) parts.push_back(part);
  return parts;
}

bool names(const std::string& list, const std::string& word) {
  const auto words = split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// A path of mountinfo, in which a space, say, is written as \040.
std::string unescape(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    const char* digits = text.data() + i + 1;
    const bool escape = text[i] == '\\' && i + 3 < text.size() &&
                        std::from_chars(digits, digits + 3, code, 8).ptr == digits + 3;
    plain += escape ? static_cast<char>(code) : text[i];
    if (escape) i += 3;
  }
  return plain;
}

/// A control group file system: what it shows, and where. From proc(5), /proc/PID/mountinfo.
struct Mount {
  int version;
  std::string shown;  ///< the group that is at the mount point; in a container, often its own
  fs::path point;
  std::string options;  ///< of the file system: version 1 names the controllers there
};

/// "36 35 98:0 /shown /point rw … - cgroup2 source rw,options"; nothing for another file system.
std::optional<Mount> read_mount(const std::string& line) {
  const size_t dash = line.find(" - ");
  if (dash == std::string::npos) return std::nullopt;
  const auto first = split(line.substr(0, dash), ' ');
  const auto second = split(line.substr(dash + 3), ' ');
  if (first.size() < 5 || second.size() < 3) return std::nullopt;
  if (second[0] != "cgroup" && second[0] != "cgroup2") return std::nullopt;
  return Mount{second[0] == "cgroup2" ? 2 : 1, unescape(first[3]), unescape(first[4]), second[2]};
}

/// This process's group in the hierarchy of that version and controller, from lines like
/// "4:cpu,cpuacct:/group" and "0::/group".
std::optional<std::string> own_group(const std::string& text, int version,
                                     const std::string& controller) {
  for (const std::string& line : split(text, '\n')) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool fits = version == 2 ? controllers.empty() : names(controllers, controller);
    if (fits) return line.substr(second + 1);
  }
  return std::nullopt;
}

/// The path of a group below the group that a mount shows; nothing where it is not below.
std::optional<fs::path> below(const std::string& group, const std::string& shown) {
  if (shown == "/") return fs::path(group).relative_path();
  if (group == shown) return fs::path();
  if (group.rfind(shown + "/", 0) != 0) return std::nullopt;
  return fs::path(group.substr(shown.size() + 1));
}

bool leads_out(const fs::path& path) {
  return std::find(path.begin(), path.end(), "..") != path.end();
}

/// Adds the folders from the group's up to the mount point.
void add_folders(const Mount& mount, const std::string& group, const fs::path& root,
                 std::vector<GroupFolder>* folders) {
  const fs::path point = root / mount.point.relative_path();
  fs::path inner = below(group, mount.shown).value_or("");
  // A group that the mount does not show (a container's view from within): the mount point is the
  // nearest that can be seen.
  std::error_code ignored;
  if (leads_out(inner) || !fs::exists(point / inner, ignored)) inner.clear();
  for (;; inner = inner.parent_path()) {
    folders->push_back({inner.empty() ? point : point / inner, mount.version});
    if (inner.empty()) return;
  }
}

/// A number in a file; kNone for "max", and where the file is not there.
int64_t number_in(const fs::path& file) {
  int64_t value = 0;
  std::ifstream stream(file);
  return stream >> value && value >= 0 ? value : GroupLimits::kNone;
}

/// Pages that the system takes back before it lets a group run out of memory.
int64_t files_of(const GroupFolder& group) {
  const char* key = group.version == 1 ? "total_inactive_file" : "inactive_file";
  return std::max<int64_t>(0, memory_value(text_of(group.path / "memory.stat"), key));
}

int64_t memory_of(const GroupFolder& group) {
  if (group.version == 2) {
    return std::min(number_in(group.path / "memory.max"), number_in(group.path / "memory.high"));
  }
  // The second is the least of all groups above, too, those that cannot be seen here included.
  const int64_t above =
      memory_value(text_of(group.path / "memory.stat"), "hierarchical_memory_limit");
  const int64_t own = number_in(group.path / "memory.limit_in_bytes");
  return above < 0 ? own : std::min(own, above);
}

int64_t used_memory(const GroupFolder& group) {
  return number_in(group.path / (group.version == 1 ? "memory.usage_in_bytes" : "memory.current"));
}

/// Processors' worth of time, from "QUOTA PERIOD"; infinite without a quota ("max", -1).
double cpus_of(const GroupFolder& group) {
  std::istringstream text(group.version == 2 ? text_of(group.path / "cpu.max")
                                             : text_of(group.path / "cpu.cfs_quota_us") + " " +
                                                   text_of(group.path / "cpu.cfs_period_us"));
  double quota = 0, period = 0;
  const bool limited = text >> quota >> period && quota > 0 && period > 0;
  return limited ? quota / period : std::numeric_limits<double>::infinity();
}

}  // namespace

std::vector<GroupFolder> group_folders(const std::string& controller, const fs::path& root) {
  std::vector<GroupFolder> folders;
  const std::string groups = text_of(root / "proc/self/cgroup");
  for (const std::string& line : split(text_of(root / "proc/self/mountinfo"), '\n')) {
    const auto mount = read_mount(line);
    if (!mount || (mount->version == 1 && !names(mount->options, controller))) continue;
    const auto group = own_group(groups, mount->version, controller);
    if (group) add_folders(*mount, *group, root, &folders);
  }
  return folders;
}

GroupLimits group_limits(const fs::path& root) {
  GroupLimits least;
  for (const GroupFolder& group : group_folders("memory", root)) {
    const int64_t most = memory_of(group), used = used_memory(group);
    least.memory = std::min(least.memory, most);
    if (most == GroupLimits::kNone || used == GroupLimits::kNone) continue;
    least.free_memory =
        std::min(least.free_memory, std::max<int64_t>(0, most - used + files_of(group)));
  }
  for (const GroupFolder& group : group_folders("cpu", root)) {
    least.cpus = std::min(least.cpus, cpus_of(group));
  }
  return least;
}

int64_t memory_value(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word, unit;
    int64_t value = 0;
    if (!(words >> word >> value) || (word != key && word != key + ":")) continue;
    return words >> unit && unit == "kB" ? value * 1024 : value;
  }
  return -1;
}

std::string text_of(const fs::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace sd::runtime
