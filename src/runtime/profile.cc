#include "runtime/profile.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <utility>

namespace sd::runtime {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A zone in its place of the tree.
struct Node {
  std::string name;
  Node* parent = nullptr;
  std::vector<std::unique_ptr<Node>> inside;
  int64_t calls = 0;
  double seconds = 0;
  double flop = 0;  // its own
  Clock::time_point entered;
};

struct Recording {
  Node root;
  Node* current = &root;
};

thread_local bool timing = false;
thread_local std::unique_ptr<Recording> recording;
thread_local std::function<void()> wait_for_work;

/// For destructors: what a card says of its own trouble, it says again at the next call.
void wait_quietly() noexcept {
  try {
    if (wait_for_work) wait_for_work();
  } catch (...) {
  }
}

Node* child(Node* parent, const char* name) {
  for (const auto& node : parent->inside) {
    if (node->name == name) return node.get();
  }
  auto node = std::make_unique<Node>();
  node->name = name;
  node->parent = parent;
  parent->inside.push_back(std::move(node));
  return parent->inside.back().get();
}

/// Whether the thread is in the zone now.
bool open(const Node& node) {
  for (const Node* at = recording->current; at != nullptr; at = at->parent) {
    if (at == &node) return true;
  }
  return false;
}

/// Appends the node and those inside it; returns its place.
size_t flatten(const Node& node, int depth, std::vector<ZoneTimes>* zones) {
  const size_t place = zones->size();
  const double seconds = node.seconds + (open(node) ? seconds_since(node.entered) : 0);
  zones->push_back({node.name, depth, node.calls, seconds, seconds, node.flop});
  for (const auto& inner : node.inside) {
    const size_t added = flatten(*inner, depth + 1, zones);
    (*zones)[place].self_seconds -= (*zones)[added].seconds;
    (*zones)[place].flop += (*zones)[added].flop;
  }
  return place;
}

}  // namespace

void start_profile() {
  recording = std::make_unique<Recording>();
  recording->root.entered = Clock::now();
  timing = true;
}

UntimedZones::UntimedZones() : timed_(timing) { timing = false; }
UntimedZones::~UntimedZones() { timing = timed_; }

void stop_profile() {
  timing = false;
  recording.reset();
  wait_for_work = nullptr;
}

void wait_at_zones(std::function<void()> wait) { wait_for_work = std::move(wait); }

void wait_at_zones(const c10::Device& device) {
  if (device.is_cpu()) return;
  wait_at_zones(
      [device] { c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index()); });
}

bool profiling() { return timing; }

void Zone::enter(const char* name) {
  if (name == nullptr) return;
  if (wait_for_work) wait_for_work();
  entered_ = true;
  recording->current = child(recording->current, name);
  ++recording->current->calls;
  recording->current->entered = Clock::now();
}

void Zone::add_flop(double flop) {
  if (entered_) recording->current->flop += flop;
}

void Zone::leave() {
  if (recording == nullptr || recording->current->parent == nullptr) return;  // was stopped
  wait_quietly();
  Node* node = recording->current;
  node->seconds += seconds_since(node->entered);
  recording->current = node->parent;
}

std::string SizeZone::name(int64_t height, int64_t width) {
  return fmt::format("{}x{}", height, width);
}

Profile current_profile() {
  Profile profile;
  if (recording == nullptr) return profile;
  profile.seconds = seconds_since(recording->root.entered);
  for (const auto& node : recording->root.inside) flatten(*node, 0, &profile.zones);
  return profile;
}

}  // namespace sd::runtime
