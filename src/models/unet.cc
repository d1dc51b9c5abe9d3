#include "models/unet.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "runtime/profile.h"
#include "runtime/upload.h"
#include "sd/error.h"

namespace sd::models {
namespace {

/// Builds input_blocks, middle_block and output_blocks in the order of the reference's constructor.
class Builder {
 public:
  Builder(const weights::WeightView& view, const UNetConfig& config,
          const runtime::KernelPolicy& kernels)
      : view_(view), config_(config), kernels_(kernels) {}

  std::vector<UNetBlock> input_blocks() {
    const int64_t first = config_.model_channels;
    std::vector<UNetBlock> blocks;
    blocks.emplace_back().add(
        nn::conv3x3(view_["input_blocks.0.0"], config_.in_channels, first, kernels_));
    channels_ = first;
    skips_ = {first};
    for (size_t level = 0; level < config_.channel_mult.size(); ++level) {
      for (int64_t i = 0; i < config_.num_res_blocks; ++i) {
        const weights::WeightView scope =
            view_["input_blocks"][static_cast<int64_t>(blocks.size())];
        UNetBlock& block = blocks.emplace_back();
        add_res_block(block, scope, channels_, config_.channel_mult[level] * first);
        if (attends()) add_transformer(block, scope);
        skips_.push_back(channels_);
      }
      if (level + 1 == config_.channel_mult.size()) break;
      const weights::WeightView scope = view_["input_blocks"][static_cast<int64_t>(blocks.size())];
      add_down(blocks.emplace_back(), scope);
      skips_.push_back(channels_);
      downsampled_ *= 2;
    }
    return blocks;
  }

  UNetBlock middle_block() {
    UNetBlock block;
    const weights::WeightView scope = view_["middle_block"];
    add_res_block(block, scope, channels_, channels_);
    add_transformer(block, scope);
    add_res_block(block, scope, channels_, channels_);
    return block;
  }

  std::vector<UNetBlock> output_blocks() {
    std::vector<UNetBlock> blocks;
    for (size_t level = config_.channel_mult.size(); level-- > 0;) {
      for (int64_t i = 0; i <= config_.num_res_blocks; ++i) {
        const weights::WeightView scope =
            view_["output_blocks"][static_cast<int64_t>(blocks.size())];
        UNetBlock& block = blocks.emplace_back();
        const int64_t skip = skips_.back();
        skips_.pop_back();
        add_res_block(block, scope, channels_ + skip,
                      config_.channel_mult[level] * config_.model_channels);
        if (attends()) add_transformer(block, scope);
        if (level > 0 && i == config_.num_res_blocks) {
          add_up(block, scope);
          downsampled_ /= 2;
        }
      }
    }
    return blocks;
  }

  /// Of the ResBlocks so far, in their order.
  const std::vector<nn::Linear::Joined>& emb_layers() const { return emb_layers_; }

 private:
  bool attends() const {
    const auto& at = config_.attention_resolutions;
    return std::find(at.begin(), at.end(), downsampled_) != at.end();
  }

  /// Bfloat16 in convolutions, too, where sides are at most a quarter of the latent's: there it
  /// does not move the built-in model's pictures further than linear maps and attention in bfloat16
  /// have (docs/architecture.md, Precision).
  runtime::KernelPolicy kernels_at(int64_t downsampled) const {
    runtime::KernelPolicy kernels = kernels_;
    kernels.bf16_convolutions = kernels.bf16 && downsampled >= 4;
    return kernels;
  }

  void add_res_block(UNetBlock& block, const weights::WeightView& scope, int64_t in, int64_t out,
                     ResBlock::Resample resample = ResBlock::Resample::kNone) {
    const weights::WeightView view = scope[block.next()];
    block.add(ResBlock(view, in, out, resample, emb_width_, config_, kernels_at(downsampled_)));
    emb_layers_.push_back(ResBlock::emb_layer(view, out, config_));
    emb_width_ += emb_layers_.back().out;
    channels_ = out;
  }

  void add_transformer(UNetBlock& block, const weights::WeightView& scope) {
    block.add(
        SpatialTransformer(scope[block.next()], channels_, transformer_blocks_, config_, kernels_));
    transformer_blocks_ += static_cast<size_t>(config_.transformer_depth);
  }

  void add_down(UNetBlock& block, const weights::WeightView& scope) {
    if (config_.resblock_updown) {
      add_res_block(block, scope, channels_, channels_, ResBlock::Resample::kDown);
    } else {
      block.add(Downsample(scope[block.next()], channels_, config_, kernels_));
    }
  }

  void add_up(UNetBlock& block, const weights::WeightView& scope) {
    if (config_.resblock_updown) {
      add_res_block(block, scope, channels_, channels_, ResBlock::Resample::kUp);
    } else {
      block.add(Upsample(scope[block.next()], channels_, config_, kernels_at(downsampled_ / 2)));
    }
  }

  const weights::WeightView& view_;
  const UNetConfig& config_;
  runtime::KernelPolicy kernels_;
  int64_t channels_ = 0;
  int64_t downsampled_ = 1;
  size_t transformer_blocks_ = 0;
  std::vector<int64_t> skips_;
  std::vector<nn::Linear::Joined> emb_layers_;
  int64_t emb_width_ = 0;  // of all of them
};

}  // namespace

UNet::UNet(const weights::WeightView& view, const UNetConfig& config,
           const runtime::KernelPolicy& kernels)
    : config_(config),
      options_(view.options()),
      // In f32: half precision cannot tell the times apart.
      time_embed_0_(view["time_embed.0"].as(at::kFloat), config.model_channels,
                    4 * config.model_channels, kernels),
      time_embed_2_(view["time_embed.2"].as(at::kFloat), 4 * config.model_channels,
                    4 * config.model_channels, kernels),
      out_norm_(view["out.0"], config.model_channels * config.channel_mult.front(),
                config.num_groups, 1e-5, /*silu=*/true, kernels),
      out_conv_(nn::conv3x3(view["out.2"], config.model_channels, config.out_channels, kernels)) {
  Builder builder(view, config, kernels);
  input_blocks_ = builder.input_blocks();
  middle_block_ = builder.middle_block();
  output_blocks_ = builder.output_blocks();
  if (kernels.joins_products()) {
    emb_layers_ = nn::Linear::join(view["emb_layers"], builder.emb_layers(),
                                   4 * config.model_channels, kernels);
  }
}

at::Tensor UNet::embed(const std::vector<double>& times) const {
  const runtime::Zone zone("UNet");
  return embed(times, nullptr);
}

at::Tensor UNet::embed(const std::vector<double>& times, const Trace& trace) const {
  std::vector<at::Tensor> rows;
  rows.reserve(times.size());
  for (const double t : times) rows.push_back(timestep_embedding(t, config_.model_channels));
  const at::Tensor sinusoids = runtime::upload(at::cat(rows), options_.device());
  const at::Tensor embedding = time_embed_2_(at::silu(time_embed_0_(sinusoids)));
  if (trace) trace("time_embed", embedding);  // [S, 4*model_channels]
  // Every ResBlock starts from the SiLU of the embedding.
  const at::Tensor begun = at::silu(embedding).to(options_);
  return emb_layers_ ? (*emb_layers_)(begun) : begun;
}

PreparedContext UNet::prepare(const at::Tensor& given) const {
  const runtime::Zone zone("UNet");
  const at::Tensor context = given.to(options_);
  PreparedContext prepared{.layers = {}, .rows = context.size(0)};
  for (const UNetBlock& block : input_blocks_) block.prepare(context, &prepared);
  middle_block_.prepare(context, &prepared);
  for (const UNetBlock& block : output_blocks_) block.prepare(context, &prepared);
  return prepared;
}

void UNet::check(const UNetInputs& inputs) const {
  const auto fail = [](const std::string& what, int64_t expected, int64_t found) {
    throw Error(ErrorKind::kInternal,
                fmt::format("expected {} of {}, found {}", what, expected, found));
  };
  const int64_t rows = inputs.x.size(0);
  if (inputs.context.rows % rows != 0) fail("a context of a multiple", rows, inputs.context.rows);
  if (inputs.x.size(1) != config_.in_channels) {
    fail("input channels", config_.in_channels, inputs.x.size(1));
  }
  const auto places = std::ssize(input_blocks_) + 1;
  if (!inputs.residuals.empty() && std::ssize(inputs.residuals) != places) {
    fail("residuals", places, std::ssize(inputs.residuals));
  }
}

namespace {

/// h at the sides of a skip: half of an odd side, doubled, is one more. (As the web UI does, for
/// sides that are no multiple of the deepest level's.)
at::Tensor with_sides_of(const at::Tensor& skip, const at::Tensor& h) {
  const auto sides = skip.sizes().slice(2);
  return h.sizes().slice(2) == sides ? h : at::upsample_nearest2d(h, sides);
}

}  // namespace

at::Tensor UNet::operator()(const UNetInputs& inputs, const Trace& trace) const {
  const runtime::Zone zone("UNet");
  check(inputs);
  return run(inputs, embed({inputs.t}, trace), trace);
}

at::Tensor UNet::operator()(const UNetInputs& inputs, const at::Tensor& emb,
                            const Trace& trace) const {
  const runtime::Zone zone("UNet");
  check(inputs);
  return run(inputs, emb, trace);
}

at::Tensor UNet::run(const UNetInputs& given, const at::Tensor& emb, const Trace& trace) const {
  const auto traced = [&](const std::string& name, const at::Tensor& value) {
    if (trace) trace(name, value);
  };
  const BlockInputs inputs{emb, given.context};
  const auto with_residual = [&](const at::Tensor& value, size_t i) {
    if (given.residuals.empty()) return value;
    return value + nn::repeat_rows(given.residuals[i].to(options_), value.size(0));
  };
  at::Tensor h = given.x.to(options_).contiguous(at::MemoryFormat::ChannelsLast);
  std::vector<at::Tensor> skips;
  for (size_t i = 0; i < input_blocks_.size(); ++i) {
    h = input_blocks_[i](h, inputs);
    skips.push_back(with_residual(h, i));
    traced("input_blocks." + std::to_string(i), h);
  }
  h = with_residual(middle_block_(h, inputs), input_blocks_.size());
  traced("middle_block", h);
  for (size_t i = 0; i < output_blocks_.size(); ++i) {
    h = at::cat({with_sides_of(skips.back(), h), nn::repeat_rows(skips.back(), h.size(0))}, 1);
    skips.pop_back();
    h = output_blocks_[i](h, inputs);
    traced("output_blocks." + std::to_string(i), h);
  }
  h = out_conv_({.x = h, .norm = out_norm_.kernel()}).to(at::kFloat).contiguous();
  traced("out", h);
  return h;
}

at::Tensor timestep_embedding(double t, int64_t width) {
  const int64_t half = width / 2;
  const at::Tensor frequencies = (at::arange(half, at::kFloat) * (-std::log(10000.0)) / half).exp();
  const at::Tensor angles = (frequencies * at::scalar_tensor(t, at::kFloat)).unsqueeze(0);
  at::Tensor embedding = at::cat({angles.cos(), angles.sin()}, 1);
  if (width % 2 == 1) embedding = at::constant_pad_nd(embedding, {0, 1});
  return embedding;
}

}  // namespace sd::models
