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

/// The context with each tensor made into another, of so many rows.
template <class Make>
PreparedContext with_layers(const PreparedContext& context, int64_t rows, const Make& make) {
  PreparedContext result{.layers = {}, .rows = rows};
  for (const KeysAndValues& layer : context.layers) {
    result.layers.push_back({make(layer.k), make(layer.v)});
  }
  return result;
}

}  // namespace

UNetShare smaller_share(UNetShare share, int64_t pictures, bool guided) {
  if (share == UNetShare::kAll && pictures > 1) return UNetShare::kPicture;
  return share != UNetShare::kHalf && guided ? UNetShare::kHalf : share;
}

std::vector<PreparedContext> divided(const PreparedContext& context, int64_t pictures,
                                     UNetShare share) {
  const int64_t halves = context.rows / pictures;
  std::vector<PreparedContext> parts;
  if (share == UNetShare::kAll) {
    parts.push_back(context);
  } else if (share == UNetShare::kHalf) {
    for (int64_t row = 0; row < context.rows; ++row) {
      parts.push_back(
          with_layers(context, 1, [&](const at::Tensor& x) { return x.narrow(0, row, 1); }));
    }
  } else {
    for (int64_t i = 0; i < pictures; ++i) {
      parts.push_back(with_layers(context, halves, [&](const at::Tensor& x) {
        return x.unflatten(0, {halves, pictures}).select(1, i).contiguous();
      }));
    }
  }
  return parts;
}

at::Tensor UNetCall::operator()(const UNet& unet, const at::Tensor& x, double t,
                                const std::vector<PreparedContext>& parts,
                                const UNet::Trace& trace) {
  if (parts.size() == 1) return (*this)(unet, x, t, parts.front(), trace);
  std::vector<at::Tensor> results;
  for (size_t i = 0; i < parts.size(); ++i) {
    const at::Tensor one = x.narrow(0, static_cast<int64_t>(i) % x.size(0), 1);
    results.push_back((*this)(unet, one, t, parts[i], trace));
  }
  return at::stack(results, 1).flatten(0, 1);  // row j of part i is row j·parts + i
}

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
