#include "models/unet_call.h"

#include <ATen/ATen.h>

namespace sd {
namespace {

std::vector<at::Tensor> tensors_of(const PreparedContext& context) {
  std::vector<at::Tensor> all;
  for (const KeysAndValues& layer : context.layers) {
    all.push_back(layer.k);
    all.push_back(layer.v);
  }
  return all;
}

PreparedContext context_of(const std::vector<at::Tensor>& all) {
  PreparedContext context{.layers = {}, .rows = all.front().size(0)};
  for (size_t i = 0; i < all.size(); i += 2) context.layers.push_back({all[i], all[i + 1]});
  return context;
}

}  // namespace

at::Tensor UNetCall::operator()(const UNet& unet, const at::Tensor& x, double t,
                                const PreparedContext& context, const UNet::Trace& trace) {
  if (!recorder_ || context.layers.empty()) return unet(x, t, context, trace);
  if (unet_ != &unet) {
    captured_ = std::make_unique<CapturedFn>(
        [&unet](const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& held) {
          return unet(inputs[0], inputs[1], context_of(held));
        },
        recorder_);
    unet_ = &unet;
  }
  if (trace) trace("", {});
  return (*captured_)({x, unet.sinusoids(t)}, tensors_of(context));
}

}  // namespace sd
