#include "weights/audit.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"

namespace sd::weights {

std::vector<std::string> extra_tensors(const Checkpoint& checkpoint, const LoadReport& report,
                                       const std::vector<std::string>& expected_prefixes) {
  const std::set<std::string> used = report.used();
  std::vector<std::string> extra;
  for (const TensorInfo& info : checkpoint.index()) {
    const auto begins_with = [&](const std::string& prefix) {
      return info.name.starts_with(prefix);
    };
    if (!used.contains(info.name) &&
        std::none_of(expected_prefixes.begin(), expected_prefixes.end(), begins_with)) {
      extra.push_back(info.name);
    }
  }
  return extra;
}

void say_extra_tensors(const Checkpoint& checkpoint, const LoadReport& report,
                       const std::vector<std::string>& expected_prefixes) {
  if (verbosity() != Verbosity::kVerbose) return;
  for (const std::string& name : extra_tensors(checkpoint, report, expected_prefixes)) {
    detail("not used: " + printable(name) + " " + shape_string(checkpoint.find(name)->shape));
  }
}

}  // namespace sd::weights
