#pragma once

#include <functional>
#include <memory>

#include "runtime/captured_fn.h"

namespace sd::test {

/// Does again what was recorded: what a graph does, on any device.
class Repeat final : public runtime::Recording {
 public:
  explicit Repeat(std::function<void()> work) : work_(std::move(work)) {}
  void replay() override { work_(); }

 private:
  std::function<void()> work_;
};

/// As a graph is recorded: a run to warm up, then one that counts. Replays write to the memory that
/// was the result then, wherever it is by now.
inline runtime::Recorder repeating(int* recordings) {
  return [recordings](const std::function<void()>& work) -> std::unique_ptr<runtime::Recording> {
    ++*recordings;
    work();
    return std::make_unique<Repeat>(work);
  };
}

}  // namespace sd::test
