#include "models/unet_call.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <iterator>

namespace sd::models {
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
                                const std::vector<PreparedContext>& parts, const UNet::Trace& trace,
                                const std::vector<at::Tensor>& residuals) {
  if (parts.size() == 1) return (*this)(unet, {x, t, parts.front(), residuals}, trace);
  std::vector<at::Tensor> results;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto row_of = [row = static_cast<int64_t>(i) % x.size(0)](const at::Tensor& all) {
      return all.narrow(0, row, 1);
    };
    UNetInputs inputs{row_of(x), t, parts[i]};
    for (const at::Tensor& residual : residuals) inputs.residuals.push_back(row_of(residual));
    results.push_back((*this)(unet, inputs, trace));
  }
  return at::stack(results, 1).flatten(0, 1);  // row j of part i is row j·parts + i
}

void UNetCall::expect(const UNet& unet, const std::vector<double>& times) {
  if (!unet.embeds_ahead() || times.empty()) return;
  const auto known = [&](double t) { return ahead_.rows.count(t) > 0; };
  if (ahead_.unet == &unet && std::all_of(times.begin(), times.end(), known)) return;
  ahead_ = {};
  std::vector<double> distinct;
  for (const double t : times) {
    if (ahead_.rows.emplace(t, std::ssize(distinct)).second) distinct.push_back(t);
  }
  ahead_.table = unet.embed(distinct);
  ahead_.unet = &unet;
}

/// A row of UNet::embed.
at::Tensor UNetCall::embedded(const UNet& unet, double t) const {
  const auto row = ahead_.rows.find(t);
  if (ahead_.unet != &unet || row == ahead_.rows.end()) return unet.embed({t});
  return ahead_.table.narrow(0, row->second, 1);
}

/// Captured inputs are copied into place before each call: x, what is embedded of t, residuals.
at::Tensor UNetCall::operator()(const UNet& unet, const UNetInputs& inputs,
                                const UNet::Trace& trace) {
  if (!recorder_ || inputs.context.layers.empty()) {
    return unet.embeds_ahead() ? unet(inputs, embedded(unet, inputs.t), trace)
                               : unet(inputs, trace);
  }
  if (unet_ != &unet) {
    captured_ = std::make_unique<runtime::CapturedFn>(
        [&unet](const std::vector<at::Tensor>& copied, const std::vector<at::Tensor>& held) {
          const PreparedContext context = context_of(held);
          UNetInputs again{copied[0], 0, context};
          again.residuals.assign(copied.begin() + 2, copied.end());
          return unet(again, copied[1], nullptr);
        },
        recorder_);
    unet_ = &unet;
  }
  if (trace) trace("", {});
  std::vector<at::Tensor> copied = {inputs.x, embedded(unet, inputs.t)};
  copied.insert(copied.end(), inputs.residuals.begin(), inputs.residuals.end());
  return (*captured_)(copied, tensors_of(inputs.context));
}

}  // namespace sd::models
