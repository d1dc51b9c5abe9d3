#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sd::runtime {

/// Starts to time the zones that this thread enters; what was timed before is forgotten. Zones of
/// other threads are not timed: their work is inside one of this thread's.
void start_profile();
void stop_profile();

/// Until the profile stops, calls `wait` wherever a zone of this thread begins or ends: the time of
/// work that was only given away then counts where it was given.
void wait_at_zones(std::function<void()> wait);

/// Waits at zones for the work that a GPU was given; does nothing on the CPU.
void wait_at_zones(const c10::Device& device);

/// True on a thread whose zones are timed.
bool profiling();

/// Until its end, what this thread does is timed as a whole and not by the zones inside.
class UntimedZones {
 public:
  UntimedZones();
  ~UntimedZones();
  UntimedZones(const UntimedZones&) = delete;
  UntimedZones& operator=(const UntimedZones&) = delete;

 private:
  bool timed_;
};

/// A stretch of time with a name, from construction to destruction, inside the zone that surrounds
/// it. Costs a test of a flag where nothing is timed.
class Zone {
 public:
  /// `name` is copied at the first visit. A null one is no zone.
  explicit Zone(const char* name) {
    if (profiling()) enter(name);
  }
  /// `flop()`: floating-point operations of the work, a product and a sum being two. Called only
  /// where zones are timed.
  template <class Flop>
  Zone(const char* name, const Flop& flop) {
    if (!profiling()) return;
    enter(name);
    add_flop(static_cast<double>(flop()));
  }
  ~Zone() {
    if (entered_) leave();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

 private:
  void enter(const char* name);
  void add_flop(double flop);
  void leave();

  bool entered_ = false;
};

/// What `compute` returns; the time goes to the zone.
template <class Compute>
auto in_zone(const char* name, const Compute& compute) {
  const Zone zone(name);
  return compute();
}

/// A zone whose name is a size: "64x64", height first.
class SizeZone {
 public:
  SizeZone(int64_t height, int64_t width)
      : zone_(profiling() ? name(height, width).c_str() : nullptr) {}

 private:
  static std::string name(int64_t height, int64_t width);
  Zone zone_;
};

/// A zone's sums over all visits in one place of the tree.
struct ZoneTimes {
  std::string name;
  int depth = 0;            ///< 0: in no other zone
  int64_t calls = 0;        ///< visits
  double seconds = 0;       ///< with the zones inside
  double self_seconds = 0;  ///< without them
  double flop = 0;          ///< with theirs
};

struct Profile {
  double seconds = 0;            ///< since start_profile
  std::vector<ZoneTimes> zones;  ///< each before those inside it, in the order of the first visits
};

/// What this thread has timed so far; zones that it is in count up to now.
Profile current_profile();

}  // namespace sd::runtime
