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
  nlohmann::json id = {};       ///< the caller's, a text or a whole number; null: none
  nlohmann::json members = {};  ///< without the id
  nlohmann::json cancels = {};  ///< the id that it takes back; null: it is no such line
  std::string problem = "";     ///< why it is no request, or empty
  size_t bytes = 0;             ///< of the line
};

/// What `line` asks for.
ServedRequest parse_request(const std::string& line);

/// Told of what becomes of requests without being drawn.
struct RequestEvents {
  /// A request is taken back before it was drawn.
  std::function<void(const nlohmann::json& id)> cancelled;
  /// A line took so many requests back.
  std::function<void(const nlohmann::json& id, int64_t requests)> answered_cancel;
  /// A line that is no request is dropped before its turn: what is wrong with it.
  std::function<void(const std::string& problem)> refused = {};
};

/// Requests between the thread that reads them and the one that draws. Thread-safe.
class RequestQueue {
 public:
  /// The most that waits: `add` waits until there is room.
  static constexpr size_t kMostWaiting = 10'000;
  static constexpr size_t kMostBytes = size_t{64} << 20;

  explicit RequestQueue(RequestEvents events) : events_(std::move(events)) {}

  /// A request, or {"cancel": id}, which takes back the one of that id, whether it waits or is
  /// being drawn. A second request of an id that waits or is being drawn gets a problem and loses
  /// its id.
  void add(ServedRequest request);
  /// No more will come.
  void end();
  /// The next to draw, which is then the current one; waits for it. Nothing: there is none left.
  std::optional<ServedRequest> take();
  /// The current one is answered: its id is free again.
  void done();
  /// Takes back all that wait; what is no request is refused as in its turn.
  void drop();
  /// Tells of a request that was taken and is not drawn, as of one that is dropped.
  void tell_dropped(const ServedRequest& request) const;
  /// No more are wanted.
  void close() { closed_ = true; }
  bool closed() const { return closed_; }
  /// Whether the current one was taken back.
  const std::atomic<bool>& stopped() const { return stopped_; }

 private:
  void cancel(const nlohmann::json& id);
  bool is_known(const nlohmann::json& id) const;
  bool is_full() const { return waiting_.size() >= kMostWaiting || bytes_ >= kMostBytes; }

  RequestEvents events_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ServedRequest> waiting_;
  size_t bytes_ = 0;  // of the lines that wait
  nlohmann::json current_;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> closed_ = false;
  bool ended_ = false;
};

/// Reads lines from the descriptor until it ends, the queue is closed, the user stops the program,
/// or a line is longer than 1 MiB, which is an empty request with a problem.
void read_requests(int descriptor, RequestQueue* queue);

}  // namespace sd::cli
