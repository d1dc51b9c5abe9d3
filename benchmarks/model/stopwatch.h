#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

/// Times a program's evaluations and prints them as the one line of JSON that benchmarks/peers
/// reads. Starts with the loading.
class Stopwatch {
 public:
  /// The model is loaded.
  void ready() { ready_ = wall() - begin_; }

  /// Notes the seconds of one of that many evaluations.
  template <class Compute>
  auto time(const Compute& compute, int evaluations = 1) {
    const double start = wall();
    const double cpu_start = cpu();
    auto result = compute();
    seconds_.push_back((wall() - start) / evaluations);
    cpu_seconds_.push_back((cpu() - cpu_start) / evaluations);
    return result;
  }

  void print() const {
    struct rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    std::printf(
        "{\"ready_s\": %.6f, \"seconds\": [%s], \"cpu_seconds\": [%s], \"peak_bytes\": %lld}\n",
        ready_, list(seconds_).c_str(), list(cpu_seconds_).c_str(),
        static_cast<long long>(usage.ru_maxrss) * 1024);
  }

 private:
  static double wall() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  /// Of all threads of this process.
  static double cpu() {
    struct timespec time = {};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  static std::string list(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) {
      text += (text.empty() ? "" : ", ") + std::to_string(value);
    }
    return text;
  }

  double begin_ = wall();
  double ready_ = 0;
  std::vector<double> seconds_;
  std::vector<double> cpu_seconds_;
};
