#include "runtime/captured_fn.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/log.h"
#include "base/split.h"
#include "base/strings.h"
#include "runtime/card_error.h"
#include "runtime/cuda_library.h"
#include "runtime/cuda_runtime_table.h"
#include "runtime/out_of_memory.h"

namespace sd::runtime {
namespace {

/// Memory of its own in the same layout.
at::Tensor copy_of(const at::Tensor& x) { return x.clone(at::MemoryFormat::Preserve); }

std::vector<at::Tensor> copies_of(const std::vector<at::Tensor>& all) {
  std::vector<at::Tensor> copies;
  copies.reserve(all.size());
  for (const at::Tensor& x : all) copies.push_back(copy_of(x));
  return copies;
}

/// Whether one can be copied to the other's memory and be the same tensor for the work.
bool same_form(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && a.device() == b.device();
}

bool same_forms(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_form);
}

}  // namespace

struct CapturedFn::Entry {
  std::vector<at::Tensor> inputs;     // the recording's own
  std::vector<at::Tensor> held;       // the recording's own
  std::vector<at::Tensor> held_from;  // what `held` was copied from; kept, so that no other tensor
                                      // takes its place
  at::Tensor output;
  std::unique_ptr<Recording> recording;

  void load(const std::vector<at::Tensor>& new_inputs, const std::vector<at::Tensor>& new_held) {
    for (size_t i = 0; i < inputs.size(); ++i)
      inputs[i].copy_(new_inputs[i], /*non_blocking=*/true);
    for (size_t i = 0; i < held.size(); ++i) {
      if (!held_from[i].is_same(new_held[i])) held[i].copy_(new_held[i], /*non_blocking=*/true);
    }
    held_from = new_held;
  }
};

CapturedFn::CapturedFn(Fn fn, Recorder recorder, size_t most)
    : fn_(std::move(fn)), recorder_(std::move(recorder)), most_(most) {}
CapturedFn::~CapturedFn() = default;

void CapturedFn::add_entry(const std::vector<at::Tensor>& inputs,
                           const std::vector<at::Tensor>& held) {
  Entry* entry = &entries_.emplace_front(Entry{copies_of(inputs), copies_of(held), held, {}, {}});
  entry->recording = recorder_([this, entry] { entry->output = fn_(entry->inputs, entry->held); });
}

/// Puts a new recording of these shapes first; false if it cannot be.
bool CapturedFn::record(const std::vector<at::Tensor>& inputs,
                        const std::vector<at::Tensor>& held) {
  while (entries_.size() >= most_) entries_.pop_back();
  const size_t others = entries_.size();
  try {
    add_entry(inputs, held);
  } catch (const c10::Error& error) {
    entries_.clear();  // what is asked for next may be smaller
    if (is_out_of_memory(error)) {
      if (others > 0) return record(inputs, held);  // in the memory of those that are gone
      throw;
    }
    const auto code = cuda_error(error);
    if (code && is_cards_own(*code)) throw;
    notice("CUDA graph capture failed, running without graphs: " +
           printable(first_line(error.what_without_backtrace())));
    recorder_ = nullptr;
    return false;
  } catch (...) {
    if (entries_.size() > others) entries_.pop_front();
    throw;
  }
  return true;
}

at::Tensor CapturedFn::operator()(const std::vector<at::Tensor>& inputs,
                                  const std::vector<at::Tensor>& held) {
  if (!recorder_ || most_ == 0) return fn_(inputs, held);
  const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return same_forms(entry.inputs, inputs) && same_forms(entry.held, held);
  });
  if (known != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, known);
    entries_.front().load(inputs, held);
  } else if (!record(inputs, held)) {
    return fn_(inputs, held);
  }
  entries_.front().recording->replay();
  return copy_of(entries_.front().output);
}

Recorder cuda_graph_recorder(const at::Device& device) {
  const auto* table = static_cast<const CudaRuntimeTable*>(
      cuda_table(CudaRuntimeTable::kName, CudaRuntimeTable::kVersion));
  if (table == nullptr) return nullptr;
  return graph_recorder(table->make_graph_card(device));
}

}  // namespace sd::runtime
