#include "runtime/mapped_ranges.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <mutex>

namespace sd::runtime {
namespace {

/// One place for a range. A signal handler may take no lock: `begin` is written last and cleared
/// first.
struct Slot {
  std::atomic<uintptr_t> begin{0}, end{0};
  std::atomic<bool> lost{false};
};

constexpr size_t kSlots = 256;
constexpr size_t kNoSlot = kSlots;  // a range beyond these is mapped as any other memory
std::array<Slot, kSlots> slots;
std::mutex slots_mutex;
uintptr_t page_bytes = 4096;
struct sigaction other_handler = {};

Slot* slot_of(uintptr_t address) {
  for (Slot& slot : slots) {
    const uintptr_t begin = slot.begin.load(std::memory_order_acquire);
    if (begin != 0 && begin <= address && address < slot.end.load()) return &slot;
  }
  return nullptr;
}

/// Calls nothing but what a handler may: mmap and sigaction are system calls.
void put_zeros(int, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  Slot* slot = slot_of(address);
  if (slot != nullptr) {
    const uintptr_t begin = address / page_bytes * page_bytes;
    void* zeros = ::mmap(reinterpret_cast<void*>(begin), slot->end.load() - begin, PROT_READ,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    slot->lost.store(true);
    if (zeros != MAP_FAILED) return;
  }
  // Not ours: the instruction runs again and meets what was there before.
  ::sigaction(SIGBUS, &other_handler, nullptr);
}

void install_handler() {
  static std::once_flag installed;
  std::call_once(installed, [] {
    page_bytes = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action = {};
    action.sa_sigaction = put_zeros;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGBUS, &action, &other_handler);
  });
}

}  // namespace

MappedRange::MappedRange(const void* begin, size_t bytes) : slot_(kNoSlot) {
  install_handler();
  const std::lock_guard lock(slots_mutex);
  for (size_t i = 0; i < kSlots && slot_ == kNoSlot; ++i) {
    if (slots[i].begin.load() == 0) slot_ = i;
  }
  if (slot_ == kNoSlot) return;
  Slot& slot = slots[slot_];
  slot.lost.store(false);
  slot.end.store(reinterpret_cast<uintptr_t>(begin) + bytes);
  slot.begin.store(reinterpret_cast<uintptr_t>(begin), std::memory_order_release);
}

MappedRange::~MappedRange() {
  const std::lock_guard lock(slots_mutex);
  if (slot_ != kNoSlot) slots[slot_].begin.store(0);
}

bool MappedRange::lost_pages() const { return slot_ != kNoSlot && slots[slot_].lost.load(); }

uintptr_t end_of_mapped_range(uintptr_t address) {
  const Slot* slot = slot_of(address);
  return slot != nullptr ? slot->end.load() : 0;
}

}  // namespace sd::runtime
