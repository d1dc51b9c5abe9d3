#include "models/autoencoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "runtime/profile.h"

namespace sd::models {
namespace {

/// Measured with the built-in model: here bfloat16 in convolutions moves a picture's values by 0.03
/// of 255 (root of the mean square); in all of the UNet, where each step adds to it, by 3 to 6.
runtime::KernelPolicy of_pictures(runtime::KernelPolicy kernels) {
  kernels.bf16_convolutions = kernels.bf16;
  return kernels;
}

bool attends(const AutoencoderConfig& config, int64_t resolution) {
  return std::find(config.attn_resolutions.begin(), config.attn_resolutions.end(), resolution) !=
         config.attn_resolutions.end();
}

/// For what is computed as a whole: asks after each layer what is asked after each strip.
TraceFn polled(const StripWork& work) {
  return [&work](const std::string&, const at::Tensor&) {
    if (work.poll) work.poll();
  };
}

/// conv(norm(x)) in strips, contiguous.
at::Tensor finish(const nn::GroupNorm& norm, const nn::Conv2d& conv, int64_t out,
                  const RowSource& x, const StripWork& work) {
  const KnownNorm known(norm, x, work);
  at::Tensor y = at::empty({x.tensor().size(0), out, x.height(), x.width()}, x.tensor().options());
  work.for_each(x.height(), x.width(), norm.channels(), [&](const Strip& strip) {
    y.narrow(2, strip.begin, strip.rows()).copy_(conv_rows(conv, &known, x, strip));
  });
  return y;
}

int64_t deepest(const AutoencoderConfig& config) { return config.ch * config.ch_mult.back(); }

}  // namespace

Encoder::Encoder(const weights::WeightView& view, const AutoencoderConfig& config,
                 const runtime::KernelPolicy& kernels)
    : z_channels_(config.z_channels),
      conv_in_(nn::conv3x3(view["conv_in"], config.in_channels, config.ch, kernels)),
      mid_(view["mid"], deepest(config), config.num_groups, kernels),
      norm_out_(last_norm(view["norm_out"], deepest(config), config.num_groups, kernels)),
      conv_out_(nn::conv3x3(view["conv_out"], deepest(config), 2 * config.z_channels, kernels)) {
  int64_t in = config.ch;
  int64_t resolution = config.resolution;
  for (size_t i = 0; i < config.ch_mult.size(); ++i) {
    const weights::WeightView scope = view["down"][static_cast<int64_t>(i)];
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

Decoder::Decoder(const weights::WeightView& view, const AutoencoderConfig& config,
                 const runtime::KernelPolicy& kernels)
    : out_ch_(config.out_ch),
      conv_in_(nn::conv3x3(view["conv_in"], config.z_channels, deepest(config), kernels)),
      mid_(view["mid"], deepest(config), config.num_groups, kernels),
      norm_out_(last_norm(view["norm_out"], config.ch * config.ch_mult.front(), config.num_groups,
                          kernels)),
      conv_out_(nn::conv3x3(view["conv_out"], config.ch * config.ch_mult.front(), config.out_ch,
                            kernels)) {
  int64_t in = deepest(config);
  int64_t resolution = config.resolution / config.factor();
  for (size_t i = config.ch_mult.size(); i-- > 0;) {
    const weights::WeightView scope = view["up"][static_cast<int64_t>(i)];
    const int64_t out = config.ch * config.ch_mult[i];
    AutoencoderLevel level = make_level(scope, in, out, config.num_res_blocks + 1,
                                        attends(config, resolution), config.num_groups, kernels);
    level.resamples = i > 0;
    if (level.resamples && config.resamp_with_conv) {
      level.resample = nn::conv3x3(scope["upsample.conv"], out, out, kernels);
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

EncodingHalf::EncodingHalf(const weights::WeightView& view, const AutoencoderConfig& config,
                           const runtime::KernelPolicy& kernels)
    : encoder(view["encoder"], config, of_pictures(kernels)),
      quant_conv(
          nn::conv1x1(view["quant_conv"], 2 * config.z_channels, 2 * config.embed_dim, kernels)) {}

Autoencoder::Autoencoder(const weights::WeightView& view, const AutoencoderConfig& config,
                         CoderParts parts, const runtime::KernelPolicy& kernels)
    : options_(view.options()),
      post_quant_conv_(
          nn::conv1x1(view["post_quant_conv"], config.embed_dim, config.z_channels, kernels)),
      decoder_(view["decoder"], config, of_pictures(kernels)),
      encoding_(view, config, kernels, parts) {}

at::Tensor Autoencoder::entering(const at::Tensor& x) const {
  return x.to(options_).contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor Autoencoder::moments(const at::Tensor& x, const TraceFn& trace) const {
  const runtime::Zone zone("encoder");
  const EncodingHalf& half = encoding_.get();
  return half.quant_conv(half.encoder(entering(x), trace)).to(at::kFloat).contiguous();
}

at::Tensor Autoencoder::moments(const at::Tensor& x, const StripWork& work) const {
  const runtime::Zone zone("encoder");
  const EncodingHalf& half = encoding_.get();
  return half.quant_conv(half.encoder.by_strips(entering(x), work)).to(at::kFloat).contiguous();
}

at::Tensor Autoencoder::decode(const at::Tensor& z, const TraceFn& trace) const {
  const runtime::Zone zone("decoder");
  return decoder_(post_quant_conv_(entering(z)), trace).to(at::kFloat);
}

at::Tensor Autoencoder::decode(const at::Tensor& z, const StripWork& work) const {
  const runtime::Zone zone("decoder");
  return decoder_.by_strips(post_quant_conv_(entering(z)), work).to(at::kFloat);
}

at::Tensor sample_posterior(const at::Tensor& moments, const at::Tensor& noise) {
  const auto halves = moments.chunk(2, 1);
  const at::Tensor deviation = (halves[1].clamp(-30.0, 20.0) * 0.5).exp();
  return halves[0] + deviation * noise;
}

}  // namespace sd::models
