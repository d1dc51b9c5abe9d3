#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace sd::cli {

/// A line of --serve's input.
struct ServedRequest {
  nlohmann::json id;       ///< the caller's; null: none
  nlohmann::json members;  ///< without the id
  std::string problem;     ///< why it is no request, or empty
};

/// What `line` asks for.
ServedRequest parse_request(const std::string& line);

/// Requests between the thread that reads them and the one that draws. Thread-safe.
class RequestQueue {
 public:
  /// `cancelled` is called with the id of each request that is taken back before it was drawn.
  explicit RequestQueue(std::function<void(const nlohmann::json& id)> cancelled)
      : cancelled_(std::move(cancelled)) {}

  /// A request, or {"cancel": id}, which takes back those of that id that wait or are being drawn.
  void add(ServedRequest request);
  /// No more will come.
  void end();
  /// The next to draw, which is then the current one; waits for it. Nothing: there is none left.
  std::optional<ServedRequest> take();
  /// No more are wanted.
  void close() { closed_ = true; }
  bool closed() const { return closed_; }
  /// Whether the current one was taken back.
  const std::atomic<bool>& stopped() const { return stopped_; }

 private:
  void cancel(const nlohmann::json& id);

  std::function<void(const nlohmann::json& id)> cancelled_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ServedRequest> waiting_;
  nlohmann::json current_;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> closed_ = false;
  bool ended_ = false;
};

/// Reads lines from the descriptor until it ends, the queue is closed, the user stops the program,
/// or a line is longer than 1 MiB, which is an empty request with a problem.
void read_requests(int descriptor, RequestQueue* queue);

}  // namespace sd::cli
