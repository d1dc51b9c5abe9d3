#pragma once

#include <chrono>
#include <cstdint>

#include "runtime/mapped_file.h"
#include "runtime/openmp.h"
#include "runtime/step_queue.h"
#include "sd/error.h"
#include "sd/progress.h"

namespace sd::pipeline {

/// Reports one stage of a run, and stops the run when the caller asks for it.
class StageProgress {
 public:
  /// `progress` must outlive this; it may be empty. `device`: what is given the steps; of a card
  /// they are told, and a wish to stop is heard, two steps after those it has done at most.
  StageProgress(const ProgressFn& progress, Stage stage, int64_t total,
                const c10::Device& device = c10::kCPU)
      : progress_(progress), stage_(stage), total_(static_cast<int>(total)), given_(device) {
    poll();
  }

  /// `preview`: what is drawn so far, as ProgressEvent has it.
  void step_done(const std::function<Image()>& preview = nullptr) {
    ++step_;
    given_.step_given();
    poll(preview);
  }

  /// Throws Error(kCancelled) when the caller wants no more, kFile when a mapped file was cut.
  void poll(const std::function<Image()>& preview = nullptr) const {
    runtime::throw_if_cut();
    runtime::adapt_spinning();
    if (!progress_ || progress_({stage_, step_, total_, seconds(), preview})) return;
    throw Error(ErrorKind::kCancelled, "cancelled");
  }

  /// Waits until a card has done all steps.
  void finish() { given_.finish(); }

  /// Since the stage began.
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  const ProgressFn& progress_;
  Stage stage_;
  int step_ = 0;
  int total_;
  runtime::StepQueue given_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace sd::pipeline
