#include "cli/request_queue.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/strings.h"
#include "cli/prompt_lines.h"

namespace sd::cli {
namespace {

using Json = nlohmann::json;

bool is_id(const Json& value) { return value.is_string() || value.is_number_integer(); }

/// The line of a request that takes another one back.
void parse_cancel(ServedRequest* request) {
  const Json& id = request->members["cancel"];
  request->id = nullptr;  // it answers by the other's
  if (request->members.size() > 1) {
    request->problem = "\"cancel\" takes no other member";
  } else if (is_id(id)) {
    request->cancels = id;
  } else {
    request->problem = "\"cancel\" must be the id of a request, a text or a whole number";
  }
}

}  // namespace

ServedRequest parse_request(const std::string& line) {
  ServedRequest request{.members = parse_json(line), .bytes = line.size()};
  if (!request.members.is_object()) {
    request.problem = "not a JSON object: " + printable(line, 60);
    return request;
  }
  const auto id = request.members.find("id");
  if (id != request.members.end()) {
    if (is_id(*id)) {
      request.id = *id;
    } else {
      request.problem = "\"id\" must be a text or a whole number";
    }
  }
  if (request.members.contains("cancel")) parse_cancel(&request);
  request.members.erase("id");
  return request;
}

bool RequestQueue::is_known(const Json& id) const {
  return current_ == id || std::ranges::any_of(waiting_, [&](const ServedRequest& request) {
           return request.id == id;
         });
}

void RequestQueue::add(ServedRequest request) {
  if (!request.cancels.is_null()) return cancel(request.cancels);
  constexpr auto kPatience = std::chrono::milliseconds(100);  // until it looks for a signal
  std::unique_lock lock(mutex_);
  while (is_full() && !closed_ && !interrupted()) changed_.wait_for(lock, kPatience);
  if (!request.id.is_null() && is_known(request.id)) {
    request.problem = "the \"id\" " + printable(request.id.dump(), 60) +
                      " belongs to a request that is waiting or being drawn";
    request.id = nullptr;
  }
  bytes_ += request.bytes;
  waiting_.push_back(std::move(request));
  changed_.notify_all();
}

void RequestQueue::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

std::optional<ServedRequest> RequestQueue::take() {
  std::unique_lock lock(mutex_);
  current_ = nullptr;
  changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
  if (waiting_.empty()) return std::nullopt;
  ServedRequest first = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_ -= first.bytes;
  changed_.notify_all();
  current_ = first.id;
  stopped_ = false;
  return first;
}

void RequestQueue::cancel(const Json& id) {
  bool waited = false;
  int64_t requests = 0;
  {
    const std::lock_guard lock(mutex_);
    if (current_ == id) {
      stopped_ = true;
      ++requests;
    }
    const auto found = std::ranges::find(waiting_, id, &ServedRequest::id);
    waited = found != waiting_.end();
    if (waited) {
      bytes_ -= found->bytes;
      waiting_.erase(found);
      ++requests;
      changed_.notify_all();
    }
  }
  if (waited) events_.cancelled(id);
  events_.answered_cancel(id, requests);
}

void RequestQueue::done() {
  const std::lock_guard lock(mutex_);
  current_ = nullptr;
}

void RequestQueue::drop() {
  std::deque<ServedRequest> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(waiting_);
    bytes_ = 0;
  }
  for (const ServedRequest& request : dropped) tell_dropped(request);
}

void RequestQueue::tell_dropped(const ServedRequest& request) const {
  if (request.problem.empty()) return events_.cancelled(request.id);
  events_.refused(request.problem);
}

void read_requests(int descriptor, RequestQueue* queue) {
  constexpr int kPatience = 100;  // milliseconds until it looks for a signal
  std::string pending;
  bool skips = false;  // the rest of a line that is too long
  std::array<char, 4096> bytes;
  while (!interrupted() && !queue->closed()) {
    pollfd wait = {descriptor, POLLIN, 0};
    const int ready = ::poll(&wait, 1, kPatience);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    if (ready < 0) break;
    const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    pending.append(bytes.data(), static_cast<size_t>(count));
    for (size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      const std::string line = pending.substr(0, end);
      pending.erase(0, end + 1);
      if (std::exchange(skips, false)) continue;
      if (line.find_first_not_of(" \t\r") != std::string::npos) queue->add(parse_request(line));
    }
    if (pending.size() > kMostBytesOfLine && !std::exchange(skips, true)) {
      queue->add({.problem = "a line of more than 1 MiB"});
    }
    if (skips) pending.clear();
  }
  if (!skips && pending.find_first_not_of(" \t\r") != std::string::npos)
    queue->add(parse_request(pending));
  queue->end();
}

}  // namespace sd::cli
