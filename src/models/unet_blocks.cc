#include "models/unet_blocks.h"

#include <ATen/ATen.h>

#include "runtime/profile.h"

namespace sd::models {
namespace {

constexpr double kResBlockEps = 1e-5;     // torch's default, in GroupNorm32
constexpr double kTransformerEps = 1e-6;  // ldm.modules.attention.Normalize

std::optional<nn::Linear> own_emb_layer(const nn::Linear::Joined& layer, const UNetConfig& config,
                                        const runtime::KernelPolicy& kernels) {
  if (kernels.joins_products()) return std::nullopt;
  return nn::Linear(layer.view, 4 * config.model_channels, layer.out, kernels);
}

/// Queries, keys and values of `dim` values, each `width`: as one map, or as three.
std::vector<nn::Linear> qkv_maps(const weights::WeightView& view, int64_t dim, int64_t width,
                                 const runtime::KernelPolicy& kernels) {
  const std::vector<nn::Linear::Joined> maps = {
      {view["to_q"], width}, {view["to_k"], width}, {view["to_v"], width}};
  if (kernels.joins_products()) {
    return {nn::Linear::join(view["to_qkv"], maps, dim, kernels, /*bias=*/false)};
  }
  std::vector<nn::Linear> three;
  three.reserve(maps.size());
  for (const auto& map : maps) three.emplace_back(map.view, dim, width, kernels, /*bias=*/false);
  return three;
}

int64_t head_count(const UNetConfig& config, int64_t channels) {
  return config.num_head_channels == -1 ? config.num_heads : channels / config.num_head_channels;
}

}  // namespace

ResBlock::ResBlock(const weights::WeightView& view, int64_t in, int64_t out, Resample resample,
                   int64_t emb_begin, const UNetConfig& config,
                   const runtime::KernelPolicy& kernels)
    : resample_(resample),
      scale_shift_(config.use_scale_shift_norm),
      emb_begin_(emb_begin),
      emb_width_(emb_layer(view, out, config).out),
      in_norm_(view["in_layers.0"], in, config.num_groups, kResBlockEps, /*silu=*/true, kernels),
      in_conv_(nn::conv3x3(view["in_layers.2"], in, out, kernels)),
      emb_(own_emb_layer(emb_layer(view, out, config), config, kernels)),
      out_norm_(view["out_layers.0"], out, config.num_groups, kResBlockEps,
                /*silu=*/!scale_shift_, kernels),
      out_conv_(nn::conv3x3(view["out_layers.3"], out, out, kernels)) {
  if (in != out) skip_ = nn::conv1x1(view["skip_connection"], in, out, kernels);
}

at::Tensor ResBlock::resampled(const at::Tensor& x) const {
  switch (resample_) {
    case Resample::kUp:
      return nn::upsample_nearest(x);
    case Resample::kDown:
      return at::avg_pool2d(x, 2);
    case Resample::kNone:
      break;
  }
  return x;
}

/// The first half, up to the time embedding's place.
at::Tensor ResBlock::enter(const at::Tensor& x, const at::Tensor& emb) const {
  if (resample_ == Resample::kDown) {
    return in_conv_({.x = resampled(in_norm_(x)), .channels = emb});
  }
  return in_conv_(
      {.x = x, .norm = in_norm_.kernel(), .upsample = resample_ == Resample::kUp, .channels = emb});
}

at::Tensor ResBlock::embedded(const BlockInputs& inputs) const {
  return emb_ ? (*emb_)(inputs.emb) : inputs.emb.narrow(1, emb_begin_, emb_width_);
}

at::Tensor ResBlock::operator()(const at::Tensor& x, const BlockInputs& inputs) const {
  const at::Tensor emb = embedded(inputs);
  const at::Tensor skip = resampled(x);
  const at::Tensor residual = skip_ ? (*skip_)(skip) : skip;  // [N, out, h', w']
  if (!scale_shift_) {
    return out_conv_({.x = enter(x, emb), .norm = out_norm_.kernel(), .residual = residual});
  }
  const auto scale_and_shift = emb.unsqueeze(-1).unsqueeze(-1).chunk(2, 1);
  const at::Tensor h =
      out_norm_(enter(x, {})).mul_(scale_and_shift[0] + 1).add_(scale_and_shift[1]);
  return out_conv_({.x = at::silu(h), .residual = residual});
}

CrossAttention::CrossAttention(const weights::WeightView& view, int64_t query_dim,
                               int64_t context_dim, int64_t heads, int64_t dim_head,
                               const runtime::KernelPolicy& kernels)
    : to_q_(view["to_q"], query_dim, heads * dim_head, kernels, /*bias=*/false),
      to_k_(view["to_k"], context_dim, heads * dim_head, kernels, /*bias=*/false),
      to_v_(view["to_v"], context_dim, heads * dim_head, kernels, /*bias=*/false),
      attention_(heads, /*causal=*/false, kernels),
      to_out_(view["to_out.0"], heads * dim_head, query_dim, kernels) {}

KeysAndValues CrossAttention::project(const at::Tensor& context) const {
  return {to_k_(context), to_v_(context)};
}

at::Tensor CrossAttention::operator()(const at::Tensor& x, const KeysAndValues& context,
                                      const at::Tensor& residual) const {
  const at::Tensor q = nn::repeat_rows(to_q_(x), context.k.size(0));  // [n, T, C] → [N, T, C]
  return to_out_(attention_(q, context.k, context.v), residual);
}

SelfAttention::SelfAttention(const weights::WeightView& view, int64_t dim, int64_t heads,
                             int64_t dim_head, const runtime::KernelPolicy& kernels)
    : to_qkv_(qkv_maps(view, dim, heads * dim_head, kernels)),
      attention_(heads, /*causal=*/false, kernels),
      to_out_(view["to_out.0"], heads * dim_head, dim, kernels) {}

at::Tensor SelfAttention::operator()(const at::Tensor& x, const at::Tensor& residual) const {
  std::vector<at::Tensor> qkv;  // each [n, T, heads*dim_head], perhaps thirds of one
  for (const nn::Linear& map : to_qkv_) qkv.push_back(map(x));
  if (qkv.size() == 1) qkv = qkv.front().chunk(3, -1);
  return to_out_(attention_(qkv[0], qkv[1], qkv[2]), residual);
}

BasicTransformerBlock::BasicTransformerBlock(const weights::WeightView& view, int64_t dim,
                                             int64_t context_dim, int64_t heads, int64_t dim_head,
                                             const runtime::KernelPolicy& kernels)
    : norm1_(view["norm1"], dim),
      attn1_(view["attn1"], dim, heads, dim_head, kernels),
      norm2_(view["norm2"], dim),
      attn2_(view["attn2"], dim, context_dim, heads, dim_head, kernels),
      norm3_(view["norm3"], dim),
      ff_in_(view["ff.net.0.proj"], dim, 4 * dim, kernels),
      ff_out_(view["ff.net.2"], 4 * dim, dim, kernels) {}

at::Tensor BasicTransformerBlock::operator()(const at::Tensor& x,
                                             const KeysAndValues& context) const {
  const at::Tensor normed = norm1_(x);
  at::Tensor h = attn1_(normed, x);                                       // [n, T, dim]
  h = attn2_(norm2_(h), context, nn::repeat_rows(h, context.k.size(0)));  // [N, T, dim]
  return ff_out_(ff_in_(norm3_(h)), h);
}

SpatialTransformer::SpatialTransformer(const weights::WeightView& view, int64_t channels,
                                       size_t first_layer, const UNetConfig& config,
                                       const runtime::KernelPolicy& kernels)
    : first_layer_(first_layer),
      norm_(view["norm"], channels, config.num_groups, kTransformerEps, /*silu=*/false, kernels),
      // The reference drops what does not divide: inner = heads * (channels / heads).
      proj_in_(nn::Linear::of_conv1x1(
          view["proj_in"], channels,
          channels / head_count(config, channels) * head_count(config, channels), kernels)),
      proj_out_(nn::Linear::of_conv1x1(
          view["proj_out"], channels / head_count(config, channels) * head_count(config, channels),
          channels, kernels)) {
  const int64_t heads = head_count(config, channels);
  const int64_t dim_head = channels / heads;
  for (int64_t i = 0; i < config.transformer_depth; ++i) {
    blocks_.emplace_back(view["transformer_blocks"][i], heads * dim_head, config.context_dim, heads,
                         dim_head, kernels);
  }
}

at::Tensor SpatialTransformer::operator()(const at::Tensor& x, const BlockInputs& inputs) const {
  at::Tensor tokens = proj_in_(nn::image_to_tokens(norm_(x)));  // [n, C, h, w] → [n, h*w, inner]
  for (size_t i = 0; i < blocks_.size(); ++i) {
    tokens = blocks_[i](tokens, inputs.context.layers[first_layer_ + i]);
  }
  const at::Tensor residual = nn::repeat_rows(nn::image_to_tokens(x), inputs.context.rows);
  return nn::tokens_to_image(proj_out_(tokens, residual), x.size(2), x.size(3));  // [N, C, h, w]
}

void SpatialTransformer::prepare(const at::Tensor& context, PreparedContext* prepared) const {
  for (const auto& block : blocks_) prepared->layers.push_back(block.project(context));
}

Downsample::Downsample(const weights::WeightView& view, int64_t channels, const UNetConfig& config,
                       const runtime::KernelPolicy& kernels) {
  if (!config.conv_resample) return;
  op_ = nn::Conv2d(view["op"],
                   {.in = channels, .out = channels, .kernel = 3, .stride = 2, .padding = 1},
                   kernels);
}

at::Tensor Downsample::operator()(const at::Tensor& x) const {
  return op_ ? (*op_)(x) : at::avg_pool2d(x, 2);
}

Upsample::Upsample(const weights::WeightView& view, int64_t channels, const UNetConfig& config,
                   const runtime::KernelPolicy& kernels) {
  if (config.conv_resample) conv_ = nn::conv3x3(view["conv"], channels, channels, kernels);
}

at::Tensor Upsample::operator()(const at::Tensor& x) const {
  return conv_ ? (*conv_)({.x = x, .upsample = true}) : nn::upsample_nearest(x);
}

void UNetBlock::prepare(const at::Tensor& context, PreparedContext* prepared) const {
  for (const Layer& layer : layers_) {
    const auto* transformer = std::get_if<SpatialTransformer>(&layer);
    if (transformer != nullptr) transformer->prepare(context, prepared);
  }
}

at::Tensor UNetBlock::operator()(at::Tensor x, const BlockInputs& inputs) const {
  const runtime::SizeZone zone(x.size(2), x.size(3));
  for (const Layer& layer : layers_) {
    x = std::visit(
        [&](const auto& apply) -> at::Tensor {
          if constexpr (std::is_invocable_v<decltype(apply), const at::Tensor&,
                                            const BlockInputs&>) {
            return apply(x, inputs);
          } else {
            return apply(x);
          }
        },
        layer);
  }
  return x;
}

}  // namespace sd::models
