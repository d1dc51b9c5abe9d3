#include "base/interrupt.h"

#include <semaphore.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <initializer_list>
#include <mutex>
#include <thread>
#include <utility>

#include "sd/error.h"

namespace sd {
namespace {

constexpr auto kPatience = std::chrono::milliseconds(1500);

volatile std::sig_atomic_t asked_to_stop = 0;  // the signal
sem_t first_signal;
std::atomic<std::thread::id> winds_up = {};  // the thread that ends the program
std::mutex wind_up_mutex;
std::function<void()> wind_up_late;
int exit_code_for_engines = 0;

/// Whether engines warn with it before they end a program: Slurm and Grid Engine with SIGUSR1 and
/// SIGUSR2, limits of processor time with SIGXCPU, once a second.
bool is_warning(int signal) { return signal == SIGUSR1 || signal == SIGUSR2 || signal == SIGXCPU; }

/// Whether a further signal does. (A terminal that closes sends SIGHUP twice.)
bool ends_at_once(int signal) {
  if (signal == SIGHUP || is_warning(signal)) return false;
  return signal != SIGTERM || !is_warning(asked_to_stop);
}

/// Only what may be called in a handler.
void note_signal(int signal) {
  const int error = errno;
  if (asked_to_stop == 0) {
    asked_to_stop = signal;
    sem_post(&first_signal);
  } else if (ends_at_once(signal)) {
    std::signal(signal, SIG_DFL);
    ::raise(signal);
  }
  errno = error;
}

/// Whether it is for this thread, and no other, to end the program.
bool may_wind_up() {
  std::thread::id nobody;
  const std::thread::id self = std::this_thread::get_id();
  return winds_up.compare_exchange_strong(nobody, self) || nobody == self;
}

/// Waits for the first signal, and ends a program that does not hear it.
void watch() {
  while (sem_wait(&first_signal) != 0) {
  }
  std::this_thread::sleep_for(kPatience);
  const std::lock_guard lock(wind_up_mutex);
  if (!may_wind_up()) return;
  if (wind_up_late) wind_up_late();
  ::_exit(interrupted_by_engine() ? exit_code_for_engines
                                  : static_cast<int>(ErrorKind::kCancelled));
}

void install_handlers() {
  std::signal(SIGPIPE, SIG_IGN);
  sem_init(&first_signal, 0, 0);
  std::thread(watch).detach();
  struct sigaction action = {};
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU}) {
    struct sigaction before = {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

}  // namespace

void catch_interrupts(std::function<void()> wind_up, int engine_code) {
  {
    const std::lock_guard lock(wind_up_mutex);
    wind_up_late = std::move(wind_up);
    exit_code_for_engines = engine_code;
    winds_up = std::thread::id();
  }
  static std::once_flag once;
  std::call_once(once, install_handlers);
}

bool interrupted() { return asked_to_stop != 0; }

bool interrupted_by_engine() { return asked_to_stop == SIGTERM || is_warning(asked_to_stop); }

void stop_if_interrupted() {
  if (interrupted()) throw Error(ErrorKind::kCancelled, "stopped");
}

void rethrow_if_stopped(const Error& error) {
  if (error.kind() == ErrorKind::kCancelled) throw;
}

void begin_wind_up() {
  if (may_wind_up()) return;
  while (true) ::pause();
}

}  // namespace sd
