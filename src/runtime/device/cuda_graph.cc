#include "runtime/device/cuda_graph.h"

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/StreamGuard.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>

#include <optional>
#include <utility>

namespace sd::runtime::device {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;
using c10::cuda::CUDAStream;

class GraphRecording final : public Recording {
 public:
  GraphRecording(const c10::Device& device, std::unique_ptr<at::cuda::CUDAGraph> graph)
      : device_(device), graph_(std::move(graph)) {}

  void replay() override {
    const c10::DeviceGuard guard(device_);
    graph_->replay();
  }

 private:
  c10::Device device_;
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

/// Does `work` and forgets what LibTorch has against it.
template <class Work>
bool succeeds(const Work& work) noexcept {
  try {
    work();
    return true;
  } catch (const c10::Error&) {
    return false;
  }
}

/// What LibTorch 2.11's `capture_end` leaves undone where the card refuses to end a recording: its
/// two allocators go on as if one were under way (aten/src/ATen/cuda/CUDAGraph.cpp; mended there
/// after 2.11). Each call throws where it is not.
void end_allocating(const c10::Device& device, const c10::MempoolId_t& pool) {
  if (succeeds([&] { allocator::endAllocateToPool(device.index(), pool); })) {
    succeeds([&] { allocator::releasePool(device.index(), pool); });
  }
  at::HostAllocator* host = at::getHostAllocator(at::kCUDA);
  if (succeeds([&] { host->end_allocate_to_pool(pool); })) {
    succeeds([&] { host->release_pool(pool); });
  }
}

/// Such a recording also leaves the state of the card's generator in it, which then draws no more.
void renew_generator(const c10::Device& device) {
  at::Generator generator = at::cuda::detail::getDefaultCUDAGenerator(device.index());
  at::Generator fresh = at::cuda::detail::createCUDAGenerator(device.index());
  fresh.set_current_seed(generator.current_seed());
  generator.graphsafe_set_state(fresh);
}

class CudaGraphCard final : public GraphCard {
 public:
  explicit CudaGraphCard(const c10::Device& device) : device_(device) {}

  c10::MempoolId_t new_pool() override { return at::cuda::graph_pool_handle(); }

  void on_side_stream(const std::function<void()>& work) override {
    const c10::DeviceGuard guard(device_);
    // One for all recordings: LibTorch has 32, and cuBLAS keeps a workspace for each.
    if (!side_) side_ = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device_.index());
    c10::cuda::getCurrentCUDAStream(device_.index()).synchronize();
    const c10::StreamGuard on_side(side_->unwrap());
    work();
  }

  void give_kept_memory_back() override {
    side_->synchronize();
    allocator::emptyCache();
  }

  void begin(const c10::MempoolId_t& pool) override {
    graph_ = std::make_unique<at::cuda::CUDAGraph>();
    // Of this thread alone: workers of other cards go on allocating meanwhile.
    graph_->capture_begin(pool, cudaStreamCaptureModeThreadLocal);
  }

  std::unique_ptr<Recording> end() override {
    graph_->capture_end();
    return std::make_unique<GraphRecording>(device_, std::move(graph_));
  }

  void drop(const c10::MempoolId_t& pool) noexcept override {
    if (graph_ == nullptr) return;
    const bool ended = succeeds([&] { graph_->capture_end(); });
    if (!ended) end_allocating(device_, pool);
    graph_.reset();
    if (!ended) succeeds([&] { renew_generator(device_); });
  }

 private:
  c10::Device device_;
  std::optional<CUDAStream> side_;
  std::unique_ptr<at::cuda::CUDAGraph> graph_;  // that is being recorded
};

}  // namespace

std::unique_ptr<GraphCard> make_graph_card(const c10::Device& device) {
  return std::make_unique<CudaGraphCard>(device);
}

}  // namespace sd::runtime::device
