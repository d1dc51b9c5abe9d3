#include "models/autoencoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "runtime/profile.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr double kEps = 1e-6;  // ldm.modules.diffusionmodules.model.Normalize

Conv2d conv3x3(const WeightView& view, int64_t in, int64_t out, const KernelPolicy& kernels) {
  return Conv2d(view, {.in = in, .out = out, .kernel = 3, .padding = 1}, kernels);
}

Conv2d conv1x1(const WeightView& view, int64_t in, int64_t out, const KernelPolicy& kernels) {
  return Conv2d(view, {.in = in, .out = out, .kernel = 1}, kernels);
}

/// One more row and column of zeros on the right and below, then stride 2 without padding.
Conv2d downsample_conv(const WeightView& view, int64_t channels, const KernelPolicy& kernels) {
  return Conv2d(view, {.in = channels, .out = channels, .kernel = 3, .stride = 2}, kernels);
}

/// Measured with the built-in model: here bfloat16 in convolutions moves a picture's values by 0.03
/// of 255 (root of the mean square); in all of the UNet, where each step adds to it, by 3 to 6.
KernelPolicy of_pictures(KernelPolicy kernels) {
  kernels.bf16_convolutions = kernels.bf16;
  return kernels;
}

at::Tensor downsample(const AutoencoderLevel& level, const at::Tensor& x) {
  const SizeZone zone(x.size(2) / 2, x.size(3) / 2);
  if (!level.resample) return at::avg_pool2d(x, 2);
  return (*level.resample)(at::constant_pad_nd(x, {0, 1, 0, 1}));
}

/// The same in strips.
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
  const SizeZone zone(2 * x.size(2), 2 * x.size(3));
  return level.resample ? (*level.resample)({.x = x, .upsample = true}) : upsample_nearest(x);
}

bool attends(const AutoencoderConfig& config, int64_t resolution) {
  return std::find(config.attn_resolutions.begin(), config.attn_resolutions.end(), resolution) !=
         config.attn_resolutions.end();
}

/// `count` blocks from `in` to `out` channels, with attention after each where `attention` is set.
AutoencoderLevel make_level(const WeightView& view, int64_t in, int64_t out, int64_t count,
                            bool attention, int64_t groups, const KernelPolicy& kernels) {
  AutoencoderLevel level;
  for (int64_t i = 0; i < count; ++i) {
    level.block.emplace_back(view["block"][i], i == 0 ? in : out, out, groups, kernels);
    if (attention) level.attn.emplace_back(view["attn"][i], out, groups, kernels);
  }
  return level;
}

at::Tensor run_blocks(const AutoencoderLevel& level, at::Tensor h, const std::string& name,
                      const TraceFn& trace) {
  const SizeZone zone(h.size(2), h.size(3));
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

/// For what is computed as a whole: asks after each layer what is asked after each strip.
TraceFn polled(const StripWork& work) {
  return [&work](const std::string&, const at::Tensor&) {
    if (work.poll) work.poll();
  };
}

/// conv(norm(x)) in strips, contiguous.
at::Tensor finish(const GroupNorm& norm, const Conv2d& conv, int64_t out, const RowSource& x,
                  const StripWork& work) {
  const KnownNorm known(norm, x, work);
  at::Tensor y = at::empty({x.tensor().size(0), out, x.height(), x.width()}, x.tensor().options());
  work.for_each(x.height(), x.width(), norm.channels(), [&](const Strip& strip) {
    y.narrow(2, strip.begin, strip.rows()).copy_(conv_rows(conv, &known, x, strip));
  });
  return y;
}

int64_t deepest(const AutoencoderConfig& config) { return config.ch * config.ch_mult.back(); }

}  // namespace

ResnetBlock::ResnetBlock(const WeightView& view, int64_t in, int64_t out, int64_t groups,
                         const KernelPolicy& kernels)
    : norm1_(view["norm1"], in, groups, kEps, /*silu=*/true, kernels),
      conv1_(conv3x3(view["conv1"], in, out, kernels)),
      norm2_(view["norm2"], out, groups, kEps, /*silu=*/true, kernels),
      conv2_(conv3x3(view["conv2"], out, out, kernels)) {
  if (in != out) nin_shortcut_ = conv1x1(view["nin_shortcut"], in, out, kernels);
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
  NormMoments moments;
  const MomentsFn moments_of = norm2_.moments();
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

AttnBlock::AttnBlock(const WeightView& view, int64_t channels, int64_t groups,
                     const KernelPolicy& kernels)
    : norm_(view["norm"], channels, groups, kEps, /*silu=*/false, kernels),
      q_(conv1x1(view["q"], channels, channels, kernels)),
      k_(conv1x1(view["k"], channels, channels, kernels)),
      v_(conv1x1(view["v"], channels, channels, kernels)),
      proj_out_(conv1x1(view["proj_out"], channels, channels, kernels)),
      attention_(/*heads=*/1, /*causal=*/false, kernels) {}

at::Tensor AttnBlock::operator()(const at::Tensor& x) const {
  const at::Tensor h = norm_(x);
  const at::Tensor mixed = attention_(image_to_tokens(q_(h)), image_to_tokens(k_(h)),
                                      image_to_tokens(v_(h)));  // [N, h*w, C]
  return proj_out_(tokens_to_image(mixed, x.size(2), x.size(3))).add_(x);
}

AutoencoderMiddle::AutoencoderMiddle(const WeightView& view, int64_t channels, int64_t groups,
                                     const KernelPolicy& kernels)
    : block_1(view["block_1"], channels, channels, groups, kernels),
      attn_1(view["attn_1"], channels, groups, kernels),
      block_2(view["block_2"], channels, channels, groups, kernels) {}

at::Tensor AutoencoderMiddle::operator()(const at::Tensor& x, const std::string& name,
                                         const TraceFn& trace) const {
  const SizeZone zone(x.size(2), x.size(3));
  at::Tensor h = block_1(x);
  if (trace) trace(name + ".block_1", h);
  h = attn_1(h);
  if (trace) trace(name + ".attn_1", h);
  h = block_2(h);
  if (trace) trace(name + ".block_2", h);
  return h;
}

Encoder::Encoder(const WeightView& view, const AutoencoderConfig& config,
                 const KernelPolicy& kernels)
    : z_channels_(config.z_channels),
      conv_in_(conv3x3(view["conv_in"], config.in_channels, config.ch, kernels)),
      mid_(view["mid"], deepest(config), config.num_groups, kernels),
      norm_out_(view["norm_out"], deepest(config), config.num_groups, kEps, /*silu=*/true, kernels),
      conv_out_(conv3x3(view["conv_out"], deepest(config), 2 * config.z_channels, kernels)) {
  int64_t in = config.ch;
  int64_t resolution = config.resolution;
  for (size_t i = 0; i < config.ch_mult.size(); ++i) {
    const WeightView scope = view["down"][static_cast<int64_t>(i)];
    const int64_t out = config.ch * config.ch_mult[i];
    AutoencoderLevel level = make_level(scope, in, out, config.num_res_blocks,
                                        attends(config, resolution), config.num_groups, kernels);
    level.resamples = i + 1 < config.ch_mult.size();
    if (level.resamples && config.resamp_with_conv) {
      level.resample = downsample_conv(scope["downsample.conv"], out, kernels);
    }
    down_.push_back(std::move(level));
    in = out;
    resolution /= 2;
  }
}

at::Tensor Encoder::operator()(const at::Tensor& x, const TraceFn& trace) const {
  at::Tensor h = conv_in_(x.contiguous(at::MemoryFormat::ChannelsLast));
  if (trace) trace("encoder.conv_in", h);
  for (size_t i = 0; i < down_.size(); ++i) {
    const std::string name = "encoder.down." + std::to_string(i);
    h = run_blocks(down_[i], h, name, trace);
    if (!down_[i].resamples) continue;
    h = downsample(down_[i], h);
    if (trace) trace(name + ".downsample", h);
  }
  h = mid_(h, "encoder.mid", trace);
  h = conv_out_({.x = h, .norm = norm_out_.kernel()});
  if (trace) trace("encoder.conv_out", h);
  return h;
}

at::Tensor Encoder::by_strips(const at::Tensor& x, const StripWork& work) const {
  at::Tensor h = conv_in_(x.contiguous(at::MemoryFormat::ChannelsLast));
  for (const AutoencoderLevel& level : down_) {
    h = run_blocks(level, RowSource(std::exchange(h, {})), work);
    if (level.resamples) h = downsample(level, h, work);
  }
  h = mid_(h, "", polled(work));
  return finish(norm_out_, conv_out_, 2 * z_channels_, RowSource(h), work);
}

Decoder::Decoder(const WeightView& view, const AutoencoderConfig& config,
                 const KernelPolicy& kernels)
    : out_ch_(config.out_ch),
      conv_in_(conv3x3(view["conv_in"], config.z_channels, deepest(config), kernels)),
      mid_(view["mid"], deepest(config), config.num_groups, kernels),
      norm_out_(view["norm_out"], config.ch * config.ch_mult.front(), config.num_groups, kEps,
                /*silu=*/true, kernels),
      conv_out_(
          conv3x3(view["conv_out"], config.ch * config.ch_mult.front(), config.out_ch, kernels)) {
  int64_t in = deepest(config);
  int64_t resolution = config.resolution / config.factor();
  for (size_t i = config.ch_mult.size(); i-- > 0;) {
    const WeightView scope = view["up"][static_cast<int64_t>(i)];
    const int64_t out = config.ch * config.ch_mult[i];
    AutoencoderLevel level = make_level(scope, in, out, config.num_res_blocks + 1,
                                        attends(config, resolution), config.num_groups, kernels);
    level.resamples = i > 0;
    if (level.resamples && config.resamp_with_conv) {
      level.resample = conv3x3(scope["upsample.conv"], out, out, kernels);
    }
    up_.insert(up_.begin(), std::move(level));
    in = out;
    resolution *= 2;
  }
}

at::Tensor Decoder::operator()(const at::Tensor& z, const TraceFn& trace) const {
  at::Tensor h = conv_in_(z.contiguous(at::MemoryFormat::ChannelsLast));
  if (trace) trace("decoder.conv_in", h);
  h = mid_(h, "decoder.mid", trace);
  for (size_t i = up_.size(); i-- > 0;) {
    h = run_blocks(up_[i], h, "decoder.up." + std::to_string(i), trace);
    if (up_[i].resamples) h = upsample(up_[i], h);
  }
  h = conv_out_({.x = h, .norm = norm_out_.kernel()}).contiguous();
  if (trace) trace("decoder.conv_out", h);
  return h;
}

/// x doubled. Rows are made when they are read, so often again, where all of them and the result of
/// the block that reads them would take more memory than the last level's blocks do.
RowSource Decoder::upsampled(size_t level, at::Tensor x) const {
  const AutoencoderLevel& from = up_[level];
  if (!from.resample) return RowSource(upsample(from, x));
  const int64_t channels = x.size(1) + up_[level - 1].block.front().out_channels();
  const int64_t times = int64_t{1} << (level - 1);  // along each side, from there to the picture
  const bool fits = channels <= 2 * norm_out_.channels() * times * times;
  return fits ? RowSource(upsample(from, x)) : RowSource(std::move(x), &*from.resample);
}

at::Tensor Decoder::by_strips(const at::Tensor& z, const StripWork& work) const {
  RowSource h(mid_(conv_in_(z.contiguous(at::MemoryFormat::ChannelsLast)), "", polled(work)));
  for (size_t i = up_.size(); i-- > 0;) {
    h = RowSource(run_blocks(up_[i], std::move(h), work));
    if (up_[i].resamples) h = upsampled(i, std::exchange(h, RowSource(at::Tensor())).tensor());
  }
  return finish(norm_out_, conv_out_, out_ch_, h, work);
}

Autoencoder::Autoencoder(const WeightView& view, const AutoencoderConfig& config, Parts parts,
                         const KernelPolicy& kernels)
    : options_(view.options()),
      post_quant_conv_(
          conv1x1(view["post_quant_conv"], config.embed_dim, config.z_channels, kernels)),
      decoder_(view["decoder"], config, of_pictures(kernels)) {
  // Built in any case: a checkpoint with a damaged encoder is damaged.
  Encoder encoder(view["encoder"], config, of_pictures(kernels));
  Conv2d quant_conv =
      conv1x1(view["quant_conv"], 2 * config.z_channels, 2 * config.embed_dim, kernels);
  if (parts == Parts::kDecoder) return;
  encoder_ = std::move(encoder);
  quant_conv_ = std::move(quant_conv);
}

at::Tensor Autoencoder::entering(const at::Tensor& x) const {
  return x.to(options_).contiguous(at::MemoryFormat::ChannelsLast);
}

const Encoder& Autoencoder::encoder() const {
  if (!encoder_) throw Error(ErrorKind::kInternal, "the autoencoder was built without its encoder");
  return *encoder_;
}

at::Tensor Autoencoder::moments(const at::Tensor& x, const TraceFn& trace) const {
  const Zone zone("encoder");
  return (*quant_conv_)(encoder()(entering(x), trace)).to(at::kFloat).contiguous();
}

at::Tensor Autoencoder::moments(const at::Tensor& x, const StripWork& work) const {
  const Zone zone("encoder");
  return (*quant_conv_)(encoder().by_strips(entering(x), work)).to(at::kFloat).contiguous();
}

at::Tensor Autoencoder::decode(const at::Tensor& z, const TraceFn& trace) const {
  const Zone zone("decoder");
  return decoder_(post_quant_conv_(entering(z)), trace).to(at::kFloat);
}

at::Tensor Autoencoder::decode(const at::Tensor& z, const StripWork& work) const {
  const Zone zone("decoder");
  return decoder_.by_strips(post_quant_conv_(entering(z)), work).to(at::kFloat);
}

at::Tensor sample_posterior(const at::Tensor& moments, const at::Tensor& noise) {
  const auto halves = moments.chunk(2, 1);
  const at::Tensor deviation = (halves[1].clamp(-30.0, 20.0) * 0.5).exp();
  return halves[0] + deviation * noise;
}

}  // namespace sd
