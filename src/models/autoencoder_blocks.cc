#include "models/autoencoder_blocks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "runtime/profile.h"

namespace sd::models {
namespace {

constexpr double kEps = 1e-6;  // ldm.modules.diffusionmodules.model.Normalize

}  // namespace

nn::Conv2d downsample_conv(const weights::WeightView& view, int64_t channels,
                           const runtime::KernelPolicy& kernels) {
  return nn::Conv2d(view, {.in = channels, .out = channels, .kernel = 3, .stride = 2}, kernels);
}

nn::GroupNorm last_norm(const weights::WeightView& view, int64_t channels, int64_t groups,
                        const runtime::KernelPolicy& kernels) {
  return nn::GroupNorm(view, channels, groups, kEps, /*silu=*/true, kernels);
}

at::Tensor downsample(const AutoencoderLevel& level, const at::Tensor& x) {
  const runtime::SizeZone zone(x.size(2) / 2, x.size(3) / 2);
  if (!level.resample) return at::avg_pool2d(x, 2);
  return (*level.resample)(at::constant_pad_nd(x, {0, 1, 0, 1}));
}

at::Tensor downsample(const AutoencoderLevel& level, const at::Tensor& x, const StripWork& work) {
  at::Tensor y = empty_picture(x, x.size(1), x.size(2) / 2, x.size(3) / 2);
  work.for_each(y.size(2), x.size(3), 2 * x.size(1), [&](const Strip& strip) {
    // Two rows in for each out, and one more below, which is zeros at the picture's end.
    const int64_t below = std::min(x.size(2), 2 * strip.end + 1);
    const at::Tensor rows = x.narrow(2, 2 * strip.begin, below - 2 * strip.begin);
    const at::Tensor to = y.narrow(2, strip.begin, strip.rows());
    if (level.resample) {
      const int64_t missing = 2 * strip.end + 1 - below;
      to.copy_((*level.resample)(at::constant_pad_nd(rows, {0, 1, 0, missing})));
    } else {
      to.copy_(at::avg_pool2d(rows.narrow(2, 0, 2 * strip.rows()), 2));
    }
  });
  return y;
}

at::Tensor upsample(const AutoencoderLevel& level, const at::Tensor& x) {
  const runtime::SizeZone zone(2 * x.size(2), 2 * x.size(3));
  return level.resample ? (*level.resample)({.x = x, .upsample = true}) : nn::upsample_nearest(x);
}

AutoencoderLevel make_level(const weights::WeightView& view, int64_t in, int64_t out, int64_t count,
                            bool attention, int64_t groups, const runtime::KernelPolicy& kernels) {
  AutoencoderLevel level;
  for (int64_t i = 0; i < count; ++i) {
    level.block.emplace_back(view["block"][i], i == 0 ? in : out, out, groups, kernels);
    if (attention) level.attn.emplace_back(view["attn"][i], out, groups, kernels);
  }
  return level;
}

at::Tensor run_blocks(const AutoencoderLevel& level, at::Tensor h, const std::string& name,
                      const TraceFn& trace) {
  const runtime::SizeZone zone(h.size(2), h.size(3));
  for (size_t i = 0; i < level.block.size(); ++i) {
    h = level.block[i](h);
    if (trace) trace(name + ".block." + std::to_string(i), h);
    if (!level.attn.empty()) h = level.attn[i](h);
  }
  return h;
}

at::Tensor run_blocks(const AutoencoderLevel& level, RowSource h, const StripWork& work) {
  for (size_t i = 0; i < level.block.size(); ++i) {
    h = RowSource(level.block[i].by_strips(std::move(h), work));
    if (!level.attn.empty()) h = RowSource(level.attn[i](h.tensor()));
  }
  return h.tensor();
}

ResnetBlock::ResnetBlock(const weights::WeightView& view, int64_t in, int64_t out, int64_t groups,
                         const runtime::KernelPolicy& kernels)
    : norm1_(view["norm1"], in, groups, kEps, /*silu=*/true, kernels),
      conv1_(nn::conv3x3(view["conv1"], in, out, kernels)),
      norm2_(view["norm2"], out, groups, kEps, /*silu=*/true, kernels),
      conv2_(nn::conv3x3(view["conv2"], out, out, kernels)) {
  if (in != out) nin_shortcut_ = nn::conv1x1(view["nin_shortcut"], in, out, kernels);
}

at::Tensor ResnetBlock::operator()(const at::Tensor& x) const {
  const at::Tensor h = conv1_({.x = x, .norm = norm1_.kernel()});
  return conv2_(
      {.x = h, .norm = norm2_.kernel(), .residual = nin_shortcut_ ? (*nin_shortcut_)(x) : x});
}

at::Tensor ResnetBlock::by_strips(RowSource x, const StripWork& work) const {
  const int64_t height = x.height(), width = x.width(), out = norm2_.channels();
  const int64_t widest = std::max(norm1_.channels(), out);
  at::Tensor h = empty_picture(x.tensor(), out, height, width);
  nn::NormMoments moments;
  const nn::MomentsFn moments_of = norm2_.moments();
  {
    const KnownNorm norm(norm1_, x, work);
    work.for_each(height, width, widest, [&](const Strip& strip) {
      const at::Tensor rows = conv_rows(conv1_, &norm, x, strip);
      moments.add(moments_of(rows));
      h.narrow(2, strip.begin, strip.rows()).copy_(rows);
    });
  }
  // The result takes the place of h. Of what is overwritten, the next strip still reads one row.
  const KnownNorm norm(norm2_, moments);
  at::Tensor above;
  work.for_each(height, width, widest, [&](const Strip& strip) {
    at::Tensor rows = h.narrow(2, strip.begin, std::min(height, strip.end + 1) - strip.begin);
    if (above.defined()) rows = at::cat({above, rows}, 2);
    const at::Tensor y =
        conv2_({.x = rows, .norm = &norm}).narrow(2, above.defined() ? 1 : 0, strip.rows());
    above = h.narrow(2, strip.end - 1, 1).clone();
    const at::Tensor residual = x.rows(strip.begin, strip.end);
    h.narrow(2, strip.begin, strip.rows())
        .copy_(y.add_(nin_shortcut_ ? (*nin_shortcut_)(residual) : residual));
  });
  return h;
}

AttnBlock::AttnBlock(const weights::WeightView& view, int64_t channels, int64_t groups,
                     const runtime::KernelPolicy& kernels)
    : norm_(view["norm"], channels, groups, kEps, /*silu=*/false, kernels),
      q_(nn::conv1x1(view["q"], channels, channels, kernels)),
      k_(nn::conv1x1(view["k"], channels, channels, kernels)),
      v_(nn::conv1x1(view["v"], channels, channels, kernels)),
      proj_out_(nn::conv1x1(view["proj_out"], channels, channels, kernels)),
      attention_(/*heads=*/1, /*causal=*/false, kernels) {}

at::Tensor AttnBlock::operator()(const at::Tensor& x) const {
  const at::Tensor h = norm_(x);
  const at::Tensor mixed = attention_(nn::image_to_tokens(q_(h)), nn::image_to_tokens(k_(h)),
                                      nn::image_to_tokens(v_(h)));  // [N, h*w, C]
  return proj_out_(nn::tokens_to_image(mixed, x.size(2), x.size(3))).add_(x);
}

AutoencoderMiddle::AutoencoderMiddle(const weights::WeightView& view, int64_t channels,
                                     int64_t groups, const runtime::KernelPolicy& kernels)
    : block_1(view["block_1"], channels, channels, groups, kernels),
      attn_1(view["attn_1"], channels, groups, kernels),
      block_2(view["block_2"], channels, channels, groups, kernels) {}

at::Tensor AutoencoderMiddle::operator()(const at::Tensor& x, const std::string& name,
                                         const TraceFn& trace) const {
  const runtime::SizeZone zone(x.size(2), x.size(3));
  at::Tensor h = block_1(x);
  if (trace) trace(name + ".block_1", h);
  h = attn_1(h);
  if (trace) trace(name + ".attn_1", h);
  h = block_2(h);
  if (trace) trace(name + ".block_2", h);
  return h;
}

}  // namespace sd::models
