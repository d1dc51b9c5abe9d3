#include "weights/load_report.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

/// How many tensors the error's one line names; its details name all.
constexpr size_t kNamedTensors = 3;

}  // namespace

void LoadReport::record_used(const std::string& name) {
  const std::lock_guard lock(mutex_);
  used_.insert(name);
}

void LoadReport::record_missing(const std::string& name, std::vector<int64_t> expected) {
  const std::lock_guard lock(mutex_);
  problems_.push_back({name, std::move(expected), {}, true});
}

void LoadReport::record_misshapen(const std::string& name, std::vector<int64_t> expected,
                                  std::vector<int64_t> found) {
  const std::lock_guard lock(mutex_);
  problems_.push_back({name, std::move(expected), std::move(found), false});
}

bool LoadReport::failed() const {
  const std::lock_guard lock(mutex_);
  return !problems_.empty();
}

std::set<std::string> LoadReport::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

std::vector<std::pair<std::string, std::vector<int64_t>>> LoadReport::missing() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::vector<int64_t>>> found;
  for (const Problem& problem : problems_) {
    if (problem.missing) found.emplace_back(problem.name, problem.expected);
  }
  return found;
}

void LoadReport::throw_if_failed() const {
  const std::lock_guard lock(mutex_);
  if (problems_.empty()) return;
  std::vector<std::string> lines;
  size_t missing = 0;
  for (const Problem& problem : problems_) {
    std::string line = printable(problem.name) + " expected " + shape_string(problem.expected);
    line += problem.missing ? ", found none" : ", found " + shape_string(problem.found);
    lines.push_back(std::move(line));
    missing += problem.missing ? 1 : 0;
  }
  std::vector<std::string> named(
      lines.begin(),
      lines.begin() + static_cast<std::ptrdiff_t>(std::min(kNamedTensors, lines.size())));
  if (lines.size() > kNamedTensors) {
    named.push_back(format("and %zu more, named above", lines.size() - kNamedTensors));
  } else {
    lines.clear();
  }
  throw Error(
      ErrorKind::kCheckpoint,
      printable(path_) +
          format(": %zu missing and %zu misshapen tensors: ", missing, problems_.size() - missing) +
          join(named, "; "),
      "check that the config belongs to this checkpoint; `sd inspect` shows what the file holds",
      std::move(lines));
}

}  // namespace sd
