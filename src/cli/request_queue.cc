#include "cli/request_queue.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/strings.h"

namespace sd::cli {

ServedRequest parse_request(const std::string& line) {
  ServedRequest request{.id = nullptr, .members = parse_json(line), .problem = ""};
  if (!request.members.is_object()) {
    request.problem = "not a JSON object: " + printable(line, 60);
    return request;
  }
  const auto id = request.members.find("id");
  if (id == request.members.end()) return request;
  request.id = *id;
  request.members.erase(id);
  if (request.id.is_structured()) {
    request.problem = "\"id\" must be a text or a number";
    request.id = nullptr;
  }
  return request;
}

void RequestQueue::add(ServedRequest request) {
  if (request.problem.empty() && request.members.contains("cancel")) {
    return cancel(request.members["cancel"]);
  }
  const std::lock_guard lock(mutex_);
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
  current_ = first.id;
  stopped_ = false;
  return first;
}

void RequestQueue::cancel(const nlohmann::json& id) {
  std::vector<nlohmann::json> taken;
  {
    const std::lock_guard lock(mutex_);
    if (id.is_null()) return;
    if (current_ == id) stopped_ = true;
    std::erase_if(waiting_, [&](const ServedRequest& request) {
      if (request.id != id) return false;
      taken.push_back(request.id);
      return true;
    });
  }
  for (const nlohmann::json& each : taken) cancelled_(each);
}

void read_requests(int descriptor, RequestQueue* queue) {
  constexpr size_t kLongest = size_t{1} << 20;
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
    if (pending.size() > kLongest && !std::exchange(skips, true)) {
      queue->add({.id = nullptr, .members = {}, .problem = "a line of more than 1 MiB"});
    }
    if (skips) pending.clear();
  }
  if (!skips && pending.find_first_not_of(" \t\r") != std::string::npos)
    queue->add(parse_request(pending));
  queue->end();
}

}  // namespace sd::cli
