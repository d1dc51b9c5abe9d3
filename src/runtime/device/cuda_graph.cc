#include "runtime/device/cuda_graph.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/StreamGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

namespace sd::runtime::device {
namespace {

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

/// What `work` does, as a graph. The streams wait for each other as the calls of one would.
std::unique_ptr<at::cuda::CUDAGraph> capture(const c10::Device& device,
                                             const at::cuda::MempoolId_t& pool,
                                             const std::function<void()>& work) {
  constexpr int kWarmUps = 3;
  const c10::DeviceGuard guard(device);
  const CUDAStream outer = c10::cuda::getCurrentCUDAStream(device.index());
  const CUDAStream side = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index());
  auto graph = std::make_unique<at::cuda::CUDAGraph>();
  outer.synchronize();
  {
    const c10::StreamGuard on_side(side.unwrap());
    for (int i = 0; i < kWarmUps; ++i) work();
    side.synchronize();
    // Of this thread alone: workers of other cards go on allocating meanwhile.
    graph->capture_begin(pool, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      // The stream must not stay in capture; what went wrong in `work` says more than what this
      // does.
      try {
        graph->capture_end();
      } catch (const c10::Error&) {
      }
      throw;
    }
    graph->capture_end();
  }
  return graph;
}

}  // namespace

Recorder make_recorder(const c10::Device& device) {
  // One pool for all graphs: they never run at once, and nothing of one is read after another ran.
  return [device, pool = at::cuda::graph_pool_handle()](const std::function<void()>& work) {
    return std::make_unique<GraphRecording>(device, capture(device, pool, work));
  };
}

}  // namespace sd::runtime::device
