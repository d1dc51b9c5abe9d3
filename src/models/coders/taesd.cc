// TAESD (Ollin Boer Bohan, github.com/madebyollin/taesd): two small networks of 3x3 convolutions
// and ReLUs that stand in for the autoencoder of Stable Diffusion v1.

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "models/latent_coder.h"
#include "models/later_network.h"
#include "nn/layers.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd::models {
namespace {

/// relu(conv(relu(conv(relu(conv(x))))) + x).
class Block {
 public:
  Block(const weights::WeightView& view, int64_t width, const runtime::KernelPolicy& kernels) {
    for (const char* place : {"0", "2", "4"}) {
      convs_.emplace_back(view["conv"][place], nn::Conv2d::Shape{width, width, 3, 1, 1}, kernels);
    }
  }

  at::Tensor operator()(const at::Tensor& x) const {
    const at::Tensor first = convs_[0]({.x = x, .relu = true});
    const at::Tensor second = convs_[1]({.x = first, .relu = true});
    return convs_[2]({.x = second, .residual = x, .relu = true});
  }

 private:
  std::vector<nn::Conv2d> convs_;
};

/// A convolution and the blocks after it.
struct Level {
  nn::Conv2d conv;
  std::vector<Block> blocks;
};

/// The layers of a torch.nn.Sequential, by their places in it.
class Layers {
 public:
  Layers(weights::WeightView view, int64_t width, const runtime::KernelPolicy& kernels,
         int64_t first)
      : view_(std::move(view)), width_(width), kernels_(kernels), place_(first) {}

  void skip(int64_t places) { place_ += places; }  // what has no weights
  nn::Conv2d conv(int64_t in, int64_t out, int64_t stride = 1, bool bias = true) {
    return nn::Conv2d(view_[place_++], {in, out, 3, stride, 1, bias}, kernels_);
  }
  std::vector<Block> blocks(int64_t count) {
    std::vector<Block> all;
    for (int64_t i = 0; i < count; ++i) all.emplace_back(view_[place_++], width_, kernels_);
    return all;
  }

 private:
  weights::WeightView view_;
  int64_t width_;
  const runtime::KernelPolicy& kernels_;
  int64_t place_;
};

constexpr int64_t kFactor = 8;

/// What is told of a network's layers.
class Tracer {
 public:
  Tracer(const char* name, const TraceFn& trace) : name_(name), trace_(trace) {}
  void operator()(int64_t level, const at::Tensor& x) const {
    if (trace_) trace_(name_ + std::to_string(level), x);
  }

 private:
  std::string name_;
  const TraceFn& trace_;
};

/// Each level's blocks behind what `enter` does with its convolution; then the last one.
template <class Enter>
at::Tensor run_levels(const std::vector<Level>& levels, const nn::Conv2d& last, const Tracer& told,
                      at::Tensor x, const Enter& enter) {
  for (size_t i = 0; i < levels.size(); ++i) {
    x = enter(i, x);
    for (const Block& block : levels[i].blocks) x = block(x);
    told(static_cast<int64_t>(i), x);
  }
  x = last(x);
  told(std::ssize(levels), x);
  return x;
}

/// [N, C, h, w], as the sampler has it → [N, 3, 8h, 8w], about 0 to 1.
class TinyDecoder {
 public:
  TinyDecoder(const weights::WeightView& view, const TaesdConfig& config,
              const runtime::KernelPolicy& kernels) {
    Layers layers(view, config.width, kernels, 1);  // 0 bounds the latent
    levels_.push_back({layers.conv(config.channels, config.width), {}});
    layers.skip(1);  // ReLU
    for (int level = 0; level < 3; ++level) {
      levels_.back().blocks = layers.blocks(3);
      layers.skip(1);  // doubles the size
      levels_.push_back({layers.conv(config.width, config.width, 1, /*bias=*/false), {}});
    }
    levels_.back().blocks = layers.blocks(1);
    last_.emplace(layers.conv(config.width, 3));
  }

  at::Tensor operator()(const at::Tensor& z, const TraceFn& trace) const {
    const Tracer told("decoder.", trace);
    const auto enter = [&](size_t level, const at::Tensor& x) {
      if (level > 0) return levels_[level].conv({.x = x, .upsample = true});
      return levels_.front().conv({.x = (x / 3).tanh_().mul_(3), .relu = true});
    };
    return run_levels(levels_, *last_, told, z, enter);
  }

 private:
  std::vector<Level> levels_;
  std::optional<nn::Conv2d> last_;
};

/// [N, 3, H, W] of 0 to 1 → [N, C, H/8, W/8].
class TinyEncoder {
 public:
  TinyEncoder(const weights::WeightView& view, const TaesdConfig& config,
              const runtime::KernelPolicy& kernels) {
    Layers layers(view, config.width, kernels, 0);
    levels_.push_back({layers.conv(3, config.width), {}});
    levels_.back().blocks = layers.blocks(1);
    for (int level = 0; level < 3; ++level) {
      levels_.push_back({layers.conv(config.width, config.width, 2, /*bias=*/false), {}});
      levels_.back().blocks = layers.blocks(3);
    }
    last_.emplace(layers.conv(config.width, config.channels));
  }

  at::Tensor operator()(at::Tensor x, const TraceFn& trace) const {
    const Tracer told("encoder.", trace);
    const auto enter = [&](size_t level, const at::Tensor& of) { return levels_[level].conv(of); };
    return run_levels(levels_, *last_, told, std::move(x), enter);
  }

 private:
  std::vector<Level> levels_;
  std::optional<nn::Conv2d> last_;
};

/// Rows of the latent beyond a strip that its result hangs on (the convolutions reach 18.1 of them
/// in either network). Zeros stand beyond the picture itself, and only there.
constexpr int64_t kReach = 20;

class TaesdCoder final : public LatentCoder {
 public:
  TaesdCoder(const weights::WeightView& view, const TaesdConfig& config, CoderParts parts,
             const runtime::KernelPolicy& kernels)
      : options_(view.options()), width_(config.width), decoder_(view["decoder"], config, kernels) {
    if (config.encodes) encoder_.emplace(view["encoder"], config, kernels, parts);
  }

  at::Tensor decode(const at::Tensor& z, const CoderWork& work) const override {
    const runtime::Zone zone("decoder");
    const auto decoded = [&](const at::Tensor& rows) {
      return (decoder_(entering(rows), work.trace).to(at::kFloat) * 2 - 1).contiguous();
    };
    if (!work.strips) return decoded(z);
    return by_strips(z, 1, kFactor, z.size(2), *work.strips, decoded);
  }

  at::Tensor encode(const at::Tensor& x, const CoderWork& work) const override {
    const runtime::Zone zone("encoder");
    if (!encoder_) {
      throw Error(ErrorKind::kCheckpoint, "the TAESD that was given has no encoder",
                  "put taesd_encoder beside taesd_decoder, or give a file that holds both");
    }
    const auto encoded = [&](const at::Tensor& rows) {
      return encoder_->get()(entering(rows * 0.5 + 0.5), work.trace).to(at::kFloat).contiguous();
    };
    if (!work.strips) return encoded(x);
    return by_strips(x, kFactor, 1, x.size(2) / kFactor, *work.strips, encoded);
  }

  /// (Nothing is drawn: `encode` gave the latent.)
  at::Tensor latent(const at::Tensor& encoded, const at::Tensor&) const override { return encoded; }

 private:
  at::Tensor entering(const at::Tensor& x) const {
    return x.to(options_).contiguous(at::MemoryFormat::ChannelsLast);
  }

  /// What `made` gives of all rows, strip by strip. `from` and `to`: rows of input and result that
  /// are one of the latent's, of which there are `height`.
  template <class Made>
  at::Tensor by_strips(const at::Tensor& all, int64_t from, int64_t to, int64_t height,
                       const StripWork& work, const Made& made) const {
    std::vector<at::Tensor> results;
    const int64_t width = all.size(3) / from;
    work.for_each(height, width, width_ * kFactor * kFactor, [&](const Strip& strip) {
      const int64_t first = std::max<int64_t>(0, strip.begin - kReach);
      const int64_t last = std::min(height, strip.end + kReach);
      const at::Tensor rows = made(all.narrow(2, from * first, from * (last - first)));
      results.push_back(rows.narrow(2, to * (strip.begin - first), to * strip.rows()).clone());
    });
    return at::cat(results, 2);
  }

  at::TensorOptions options_;
  int64_t width_;
  TinyDecoder decoder_;
  std::optional<LaterNetwork<TinyEncoder, TaesdConfig>> encoder_;
};

}  // namespace

std::shared_ptr<const LatentCoder> make_taesd_coder(const weights::WeightView& view,
                                                    const TaesdConfig& config, CoderParts parts,
                                                    const runtime::KernelPolicy& kernels) {
  return std::make_shared<const TaesdCoder>(view, config, parts, kernels);
}

}  // namespace sd::models
