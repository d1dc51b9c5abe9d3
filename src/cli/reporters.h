#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/progress_bar.h"
#include "job/reporter.h"

namespace sd::cli {

/// For people: paths on stdout; a progress bar or plain lines, notices and errors on stderr.
class ConsoleReporter final : public job::Reporter {
 public:
  /// `show`: pictures, too, the growing ones in one place, where stderr is a terminal; `bell`: it
  /// rings at the end.
  explicit ConsoleReporter(ProgressBar::Style style, bool show = false, bool bell = false);

  void notice(const std::string& line) override;
  void complaint(const std::string& line) override;
  void progress(const job::RunProgress& progress) override;
  void wrote(const std::filesystem::path& path, std::optional<int64_t> place) override;
  void previewed(const std::filesystem::path& path, int step) override;
  void end(const job::RunSummary& summary) override;

 private:
  void print(const std::string& line);
  void clear();

  std::mutex mutex_;
  ProgressBar bar_;
  bool show_;
  bool bell_;
  int64_t growing_ = 0;  // lines above the bar that show the growing picture
};

/// For programs: a JSON object a line, written to a file descriptor. Its member "event" is "notice"
/// or "complaint" (with "text"), "progress" ("stage", "step", "steps", "batch", "batches",
/// "picture", "pictures", and "seconds_left" of the run or null), "picture" ("picture", from 1, and
/// "path"), "grid" ("path"), "preview" ("path", "step") or "end" ("drawn", "left", "failed",
/// "why"). Once nobody reads, nothing more is written; while the reader is slow, "progress" is left
/// out.
class JsonReporter final : public job::Reporter {
 public:
  /// Throws Error(kUsage) if the descriptor is not open for writing. It is not closed.
  explicit JsonReporter(int64_t descriptor);

  void notice(const std::string& line) override;
  void complaint(const std::string& line) override;
  void progress(const job::RunProgress& progress) override;
  void wrote(const std::filesystem::path& path, std::optional<int64_t> place) override;
  void previewed(const std::filesystem::path& path, int step) override;
  void end(const job::RunSummary& summary) override;

  /// Writes an event of another kind.
  void tell(const nlohmann::json& event);
  /// From now on each event has this as "id"; null: none has.
  void set_id(const nlohmann::json& id);

 private:
  bool has_room() const;

  std::mutex mutex_;
  int descriptor_;
  bool broken_ = false;
  std::string id_;  // as JSON
  Stage last_stage_ = Stage::kLoad;
  int last_step_ = -1;
  int64_t last_batch_ = 0;
};

/// Tells several.
class Reporters final : public job::Reporter {
 public:
  void add(std::unique_ptr<job::Reporter> reporter) { all_.push_back(std::move(reporter)); }

  void notice(const std::string& line) override;
  void complaint(const std::string& line) override;
  void progress(const job::RunProgress& progress) override;
  void wrote(const std::filesystem::path& path, std::optional<int64_t> place) override;
  void previewed(const std::filesystem::path& path, int step) override;
  void end(const job::RunSummary& summary) override;

 private:
  std::vector<std::unique_ptr<job::Reporter>> all_;
};

/// While it lives, what `notice`, `detail` and `complain` say goes to the reporter, with flags for
/// the names of settings.
class LogToReporter {
 public:
  explicit LogToReporter(job::Reporter* reporter);
  ~LogToReporter();
  LogToReporter(const LogToReporter&) = delete;
  LogToReporter& operator=(const LogToReporter&) = delete;

 private:
  LogSink before_;
};

}  // namespace sd::cli
