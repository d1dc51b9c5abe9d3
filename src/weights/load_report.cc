#include "weights/load_report.h"

#include "base/log.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

/// How many tensors the error names before it says "and N more".
constexpr size_t kNamedTensors = 20;

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
  if (lines.size() > kNamedTensors) {
    for (const std::string& line : lines) detail(line);
    const size_t more = lines.size() - kNamedTensors;
    lines.resize(kNamedTensors);
    lines.push_back(format("and %zu more", more));
  }
  throw Error(
      ErrorKind::kCheckpoint,
      printable(path_) +
          format(": %zu missing and %zu misshapen tensors: ", missing, problems_.size() - missing) +
          join(lines, "; "),
      "check that the config belongs to this checkpoint; `sd inspect` shows what the file "
      "holds, and -v names every tensor");
}

}  // namespace sd
