#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace sd::runtime {

/// Work that was recorded once and can be done again on the same memory.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void replay() = 0;
};

/// Records what `work` does, which it does at least once before or while it is recorded; throws
/// c10::Error where that cannot be. `work` must always do the same on the same memory.
using Recorder = std::function<std::unique_ptr<Recording>(const std::function<void()>& work)>;

/// Records CUDA graphs on `device`, a card, by way of libsd_cuda.so; empty where it is not open.
Recorder cuda_graph_recorder(const at::Device& device);

/// A function of tensors to a tensor that is recorded for each shape of its arguments and replayed
/// from then on: its arguments are copied into memory that belongs to the recording. Without a
/// recorder, and once recording has failed, it calls the function itself; where memory does not
/// suffice, it drops all recordings, tries once more if there were any, and throws. What a card
/// says of its own trouble is thrown, too. Not thread-safe.
class CapturedFn {
 public:
  /// `inputs` change from call to call, `held` seldom: its tensors must not be written to while
  /// calls are given them.
  using Fn = std::function<at::Tensor(const std::vector<at::Tensor>& inputs,
                                      const std::vector<at::Tensor>& held)>;

  /// At most `most` recordings are kept, those that were used last.
  CapturedFn(Fn fn, Recorder recorder, size_t most = 4);
  ~CapturedFn();
  CapturedFn(const CapturedFn&) = delete;
  CapturedFn& operator=(const CapturedFn&) = delete;

  /// The result is in memory of its own.
  at::Tensor operator()(const std::vector<at::Tensor>& inputs,
                        const std::vector<at::Tensor>& held = {});

  /// Recordings that are kept.
  size_t size() const { return entries_.size(); }

 private:
  struct Entry;

  void add_entry(const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& held);
  bool record(const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& held);

  Fn fn_;
  Recorder recorder_;  // empty: not any more
  size_t most_;
  std::list<Entry> entries_;  // the last used first
};

}  // namespace sd::runtime
