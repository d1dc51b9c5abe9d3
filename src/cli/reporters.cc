#include "cli/reporters.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/output.h"
#include "base/terminal.h"
#include "base/words.h"
#include "cli/flag_names.h"
#include "cli/terminal_picture.h"
#include "image/image_io.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

using Json = nlohmann::json;

/// A line of JSON, whatever bytes a path has.
std::string line_of(const Json& event) {
  return event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Writes all of it. False once nobody reads; the signal of that is kept from the program.
bool write_all(int descriptor, const std::string& text) {
  sigset_t pipe, before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  bool written = true;
  for (size_t at = 0; at < text.size() && written;) {
    const ssize_t count = ::write(descriptor, text.data() + at, text.size() - at);
    if (count >= 0) {
      at += static_cast<size_t>(count);
    } else if (errno == EAGAIN) {
      pollfd wait = {descriptor, POLLOUT, 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      written = false;
      const timespec at_once = {};
      if (errno == EPIPE && sigismember(&before, SIGPIPE) == 0) {
        sigtimedwait(&pipe, nullptr, &at_once);
      }
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return written;
}

/// The picture of a file as `draw` makes it for the terminal of stderr; nothing where the file
/// cannot be read: it may be gone already.
template <class Draw>
std::string shown(const std::filesystem::path& path, const Draw& draw) {
  constexpr int kMostColumns = 80, kMostRows = 30;
  try {
    return draw(image::read_image(path),
                std::min(terminal_columns(STDERR_FILENO) - 1, kMostColumns),
                std::min(terminal_rows(STDERR_FILENO) - 2, kMostRows), wants_colour(STDERR_FILENO));
  } catch (const Error&) {
    return "";
  }
}

/// Goes up so many lines, to their beginning, and clears the terminal from there on.
std::string above(int64_t lines) {
  return lines == 0 ? "" : "\r\033[" + std::to_string(lines) + "A\033[J";
}

}  // namespace

ConsoleReporter::ConsoleReporter(ProgressBar::Style style, bool show, bool bell)
    : bar_(style),
      show_(show && is_live_terminal(STDERR_FILENO)),
      bell_(bell && isatty(STDERR_FILENO) == 1) {}

void ConsoleReporter::print(const std::string& line) {
  const std::lock_guard lock(mutex_);
  clear();
  write_line(line);
}

/// Takes away what is drawn for a while only.
void ConsoleReporter::clear() {
  bar_.clear();
  if (growing_ > 0) write_controls(above(growing_));
  growing_ = 0;
}

void ConsoleReporter::notice(const std::string& line) { print(line); }

void ConsoleReporter::complaint(const std::string& line) { print(line); }

void ConsoleReporter::progress(const job::RunProgress& progress) {
  const std::lock_guard lock(mutex_);
  bar_.show(progress);
}

void ConsoleReporter::wrote(const std::filesystem::path& path, std::optional<int64_t> place) {
  const std::lock_guard lock(mutex_);
  clear();
  print_path(path);
  if (show_ && place) write_controls(shown(path, terminal_picture));
}

void ConsoleReporter::previewed(const std::filesystem::path& path, int /*step*/) {
  const std::lock_guard lock(mutex_);
  if (!show_) return;
  bar_.step_aside([&] {
    const std::string picture = shown(path, symbol_picture);
    write_controls(above(growing_) + picture);
    growing_ = std::count(picture.begin(), picture.end(), '\n');
  });
}

void ConsoleReporter::end(const job::RunSummary&) {
  const std::lock_guard lock(mutex_);
  clear();
  if (bell_) write_controls("\a");
}

JsonReporter::JsonReporter(int64_t descriptor) : descriptor_(static_cast<int>(descriptor)) {
  const int flags = std::in_range<int>(descriptor) ? fcntl(descriptor_, F_GETFL) : -1;
  const bool writable = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
  if (writable) return;
  throw Error(ErrorKind::kUsage,
              "`progress_fd` " + std::to_string(descriptor) + " is not open for writing",
              "open it in the shell, as in `progress_fd` 3 3>progress.jsonl");
}

void JsonReporter::tell(const Json& event) {
  std::string line = line_of(event);
  const std::lock_guard lock(mutex_);
  if (!id_.empty() && !event.contains("id")) line.insert(1, "\"id\":" + id_ + ",");
  if (!broken_) broken_ = !write_all(descriptor_, line);
}

void JsonReporter::set_id(const Json& id) {
  const std::lock_guard lock(mutex_);
  id_ = id.is_null() ? "" : id.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool JsonReporter::has_room() const {
  pollfd asked = {descriptor_, POLLOUT, 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & POLLOUT) != 0;
}

void JsonReporter::notice(const std::string& line) { tell({{"event", "notice"}, {"text", line}}); }

void JsonReporter::complaint(const std::string& line) {
  tell({{"event", "complaint"}, {"text", line}});
}

void JsonReporter::progress(const job::RunProgress& progress) {
  const ProgressEvent& event = progress.event;
  {
    const std::lock_guard lock(mutex_);
    const bool known =
        event.stage == last_stage_ && event.step == last_step_ && progress.batch == last_batch_;
    if (known || broken_ || !has_room()) return;
    last_stage_ = event.stage;
    last_step_ = event.step;
    last_batch_ = progress.batch;
  }
  tell({{"event", "progress"},
        {"stage", word_of(event.stage)},
        {"step", event.step},
        {"steps", event.total},
        {"batch", progress.batch},
        {"batches", progress.batches},
        {"picture", std::min(progress.drawn + 1, progress.pictures)},
        {"pictures", progress.pictures},
        {"seconds_left", progress.seconds_left ? Json(*progress.seconds_left) : Json(nullptr)}});
}

void JsonReporter::wrote(const std::filesystem::path& path, std::optional<int64_t> place) {
  Json event = {{"event", place ? "picture" : "grid"}, {"path", path.string()}};
  if (place) event["picture"] = *place + 1;
  tell(event);
}

void JsonReporter::previewed(const std::filesystem::path& path, int step) {
  tell({{"event", "preview"}, {"path", path.string()}, {"step", step}});
}

void JsonReporter::end(const job::RunSummary& summary) {
  tell({{"event", "end"},
        {"drawn", summary.drawn},
        {"left", summary.left},
        {"failed", summary.failed},
        {"why", summary.why}});
}

void Reporters::notice(const std::string& line) {
  for (const auto& each : all_) each->notice(line);
}

void Reporters::complaint(const std::string& line) {
  for (const auto& each : all_) each->complaint(line);
}

void Reporters::progress(const job::RunProgress& progress) {
  for (const auto& each : all_) each->progress(progress);
}

void Reporters::wrote(const std::filesystem::path& path, std::optional<int64_t> place) {
  for (const auto& each : all_) each->wrote(path, place);
}

void Reporters::previewed(const std::filesystem::path& path, int step) {
  for (const auto& each : all_) each->previewed(path, step);
}

void Reporters::end(const job::RunSummary& summary) {
  for (const auto& each : all_) each->end(summary);
}

LogToReporter::LogToReporter(job::Reporter* reporter)
    : before_(set_log_sink([reporter](LogKind kind, const std::string& line) {
        if (kind == LogKind::kComplaint) return reporter->complaint(with_flags(line));
        reporter->notice(with_flags(line));
      })) {}

LogToReporter::~LogToReporter() { set_log_sink(std::move(before_)); }

}  // namespace sd::cli
