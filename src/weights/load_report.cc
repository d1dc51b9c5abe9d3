#include "weights/load_report.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd::weights {
namespace {

/// How many tensors the error's one line names; its details name all.
constexpr size_t kNamedTensors = 3;

}  // namespace

void LoadReport::record_asked(const std::string& name, std::vector<int64_t> shape) {
  const std::lock_guard lock(mutex_);
  asked_.emplace_back(name, std::move(shape));
}

LoadReport::NamesAndShapes LoadReport::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void LoadReport::record_used(const std::string& name) {
  const std::lock_guard lock(mutex_);
  used_.insert(name);
}

void LoadReport::add(Problem problem) {
  const std::lock_guard lock(mutex_);
  problems_.push_back(std::move(problem));
}

void LoadReport::record_missing(const std::string& name, std::vector<int64_t> expected) {
  add({Kind::kMissing, name, std::move(expected), "none"});
  const std::lock_guard lock(mutex_);
  if (problems_.size() <= most_missing_) return;
  throw Error(
      ErrorKind::kCheckpoint,
      printable(path_) +
          fmt::format(
              ": the config asks for {} tensors that are not there, and for more (at last for {})",
              problems_.size(), printable(name)),
      "check the config's counts of blocks and layers against `sd inspect`");
}

void LoadReport::record_misshapen(const std::string& name, std::vector<int64_t> expected,
                                  const std::vector<int64_t>& found) {
  add({Kind::kMisshapen, name, std::move(expected), shape_string(found)});
}

void LoadReport::record_unreadable(const std::string& name, const std::string& what) {
  add({Kind::kUnreadable, name, {}, what});
}

bool LoadReport::failed() const {
  const std::lock_guard lock(mutex_);
  return !problems_.empty();
}

std::set<std::string> LoadReport::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

LoadReport::NamesAndShapes LoadReport::missing() const {
  const std::lock_guard lock(mutex_);
  NamesAndShapes found;
  for (const Problem& problem : problems_) {
    if (problem.kind == Kind::kMissing) found.emplace_back(problem.name, problem.expected);
  }
  return found;
}

void LoadReport::throw_if_failed() const {
  const std::lock_guard lock(mutex_);
  if (!problems_.empty()) fail();
}

void LoadReport::fail() const {
  std::vector<std::string> lines;
  size_t counts[3] = {};
  for (const Problem& problem : problems_) {
    const std::string expected =
        problem.kind == Kind::kUnreadable ? "plain numbers" : shape_string(problem.expected);
    lines.push_back(printable(problem.name) + " expected " + expected + ", found " + problem.found);
    ++counts[static_cast<size_t>(problem.kind)];
  }
  std::vector<std::string> named(
      lines.begin(),
      lines.begin() + static_cast<std::ptrdiff_t>(std::min(kNamedTensors, lines.size())));
  // A file that is no such model lacks everything: the whole list says nothing then.
  const auto [missing, misshapen, unreadable] = counts;
  const bool listed = missing * 2 <= asked_.size() || verbosity() == Verbosity::kVerbose;
  if (lines.size() > kNamedTensors) {
    named.push_back(fmt::format("and {} more, {}", lines.size() - kNamedTensors,
                                listed ? "named above" : "which -v names"));
  }
  if (!listed || lines.size() <= kNamedTensors) lines.clear();
  std::string message =
      printable(path_) + fmt::format(": {} missing and {} misshapen tensors", missing, misshapen);
  if (unreadable > 0) message += fmt::format(" and {} that cannot be read", unreadable);
  throw Error(
      ErrorKind::kCheckpoint, message + ": " + join(named, "; "),
      missing + misshapen == 0
          ? "give the model in float32, float16 or bfloat16"
          : "check that the config belongs to this checkpoint; `sd inspect` shows what the file "
            "holds",
      std::move(lines));
}

}  // namespace sd::weights
