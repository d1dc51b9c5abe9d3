#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sd {

/// What happened while models were built from one checkpoint: which tensors were taken, and which
/// were missing or had another shape. Safe to use from several threads.
class LoadReport {
 public:
  /// `path` is what messages call the checkpoint.
  explicit LoadReport(std::string path) : path_(std::move(path)) {}

  void record_used(const std::string& name);
  void record_missing(const std::string& name, std::vector<int64_t> expected);
  void record_misshapen(const std::string& name, std::vector<int64_t> expected,
                        std::vector<int64_t> found);

  bool failed() const;

  /// The names of the tensors that were taken.
  std::set<std::string> used() const;

  /// The tensors that were asked for and not found, with the shapes they were asked for in.
  std::vector<std::pair<std::string, std::vector<int64_t>>> missing() const;

  /// Throws kCheckpoint if anything was missing or misshapen. The error's details name all of them.
  void throw_if_failed() const;

 private:
  struct Problem {
    std::string name;
    std::vector<int64_t> expected;
    std::vector<int64_t> found;  // empty for a missing tensor
    bool missing;
  };

  const std::string path_;
  mutable std::mutex mutex_;
  std::set<std::string> used_;
  std::vector<Problem> problems_;
};

}  // namespace sd
