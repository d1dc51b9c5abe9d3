#include "runtime/start_affinity.h"

#include <linux/limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "sd/error.h"

namespace sd::runtime {
namespace {

/// The kernel's mask: a bit for each of 65,536 CPUs; `bytes` of it are used, none if it is not
/// known.
struct Mask {
  std::array<uint64_t, 1024> words;
  long bytes;
};

Mask start = {};

/// Here and below nothing of the C++ library or a sanitizer is ready.
[[gnu::no_sanitize("address", "thread", "undefined")]] long read_mask(Mask* mask) {
  return ::syscall(SYS_sched_getaffinity, 0, sizeof mask->words, mask->words.data());
}

/// LibTorch's oneMKL asks for the path of the current folder while it is loaded, and where that
/// folder was removed or lies too deep it ends the process with words about a library that cannot
/// be loaded. So the program ends before, with its own words.
[[gnu::no_sanitize("address", "thread", "undefined")]] void require_folder() {
  char path[PATH_MAX];
  if (::syscall(SYS_getcwd, path, sizeof path) > 0 && path[0] == '/') return;
  static constexpr char kMessage[] =
      "error: the current folder has no path: it was removed, or lies too deep\n"
      "hint: go to another folder (cd) and start again\n";
  ::syscall(SYS_write, STDERR_FILENO, kMessage, sizeof kMessage - 1);
  ::syscall(SYS_exit_group, static_cast<int>(ErrorKind::kFile));
}

/// Runs before the constructors of all libraries, OpenMP's too.
[[gnu::no_sanitize("address", "thread", "undefined")]] void before_all(int, char**, char**) {
  start.bytes = read_mask(&start);
  require_folder();
}

// One pointer: an array may be aligned to more than 8 bytes, and the loader would call the gap.
using PreInit = void (*)(int, char**, char**);
[[gnu::section(".preinit_array"), gnu::used]] const PreInit pre_init = before_all;

/// Before the constructor of our own OpenMP, which counts the places for its threads: LibTorch's
/// unused one may have bound this thread already.
[[gnu::constructor(101)]] void undo_binding() { use_cpus_of_start(); }

}  // namespace

int cpus_at_start() {
  int cpus = 0;
  for (long i = 0; i * 8 < start.bytes; ++i) {
    cpus += __builtin_popcountll(start.words[static_cast<size_t>(i)]);
  }
  return std::max(1, cpus);
}

void use_cpus_of_start() {
  if (start.bytes <= 0) return;
  ::syscall(SYS_sched_setaffinity, 0, start.bytes, start.words.data());
}

}  // namespace sd::runtime
