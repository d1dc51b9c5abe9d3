#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sd::weights {

/// What happened while models were built from one checkpoint: which tensors were taken, and which
/// were missing, had another shape or could not be read. Safe to use from several threads.
class LoadReport {
 public:
  /// `path` is what messages call the checkpoint. A model that lacks more than `most_missing`
  /// tensors is not built to its end.
  LoadReport(std::string path, size_t most_missing)
      : path_(std::move(path)), most_missing_(most_missing) {}

  /// A weight that a network needs, by its name in the reference.
  void record_asked(const std::string& name, std::vector<int64_t> shape);
  void record_used(const std::string& name);
  /// Throws kCheckpoint if that are more than `most_missing`.
  void record_missing(const std::string& name, std::vector<int64_t> expected);
  void record_misshapen(const std::string& name, std::vector<int64_t> expected,
                        const std::vector<int64_t>& found);
  /// `what` it holds instead of numbers.
  void record_unreadable(const std::string& name, const std::string& what);

  bool failed() const;

  using NamesAndShapes = std::vector<std::pair<std::string, std::vector<int64_t>>>;

  /// The weights that networks needed so far, in the order in which they were asked for.
  NamesAndShapes asked() const;

  /// The names of the tensors that were taken.
  std::set<std::string> used() const;

  /// The tensors that were asked for and not found, with the shapes they were asked for in.
  NamesAndShapes missing() const;

  /// Throws kCheckpoint if anything was missing, misshapen or unreadable. The error's details name
  /// all of them.
  void throw_if_failed() const;

 private:
  enum class Kind { kMissing, kMisshapen, kUnreadable };
  struct Problem {
    Kind kind;
    std::string name;
    std::vector<int64_t> expected;
    std::string found;
  };

  void add(Problem problem);
  [[noreturn]] void fail() const;  // with the mutex held

  const std::string path_;
  const size_t most_missing_;
  mutable std::mutex mutex_;
  NamesAndShapes asked_;
  std::set<std::string> used_;
  std::vector<Problem> problems_;
};

}  // namespace sd::weights
