// The layout of diffusers: its modules number blocks by level where the reference numbers them all.
#include <charconv>

#include "weights/name_maps/name_maps.h"

namespace sd::weights {
namespace {

struct Pair {
  std::string_view reference, diffusers;
};

constexpr Pair kUnetEnds[] = {
    {"time_embed.0.", "time_embedding.linear_1."},
    {"time_embed.2.", "time_embedding.linear_2."},
    {"input_blocks.0.0.", "conv_in."},
    {"middle_block.0.", "mid_block.resnets.0."},
    {"middle_block.1.", "mid_block.attentions.0."},
    {"middle_block.2.", "mid_block.resnets.1."},
    {"out.0.", "conv_norm_out."},
    {"out.2.", "conv_out."},
};

constexpr Pair kUnetResnet[] = {
    {"in_layers.0.", "norm1."},          {"in_layers.2.", "conv1."},
    {"emb_layers.1.", "time_emb_proj."}, {"out_layers.0.", "norm2."},
    {"out_layers.3.", "conv2."},         {"skip_connection.", "conv_shortcut."},
};

constexpr Pair kVae[] = {
    {"norm_out.", "conv_norm_out."},
    {"mid.block_1.", "mid_block.resnets.0."},
    {"mid.block_2.", "mid_block.resnets.1."},
    {"mid.attn_1.", "mid_block.attentions.0."},
};

constexpr Pair kVaeAttention[] = {
    {"norm.", "group_norm."},   {"q.", "to_q."}, {"k.", "to_k."}, {"v.", "to_v."},
    {"proj_out.", "to_out.0."},
};

constexpr Pair kOldVaeAttention[] = {
    {"norm.", "group_norm."},    {"q.", "query."}, {"k.", "key."}, {"v.", "value."},
    {"proj_out.", "proj_attn."},
};

/// `name` with a beginning of the table replaced; as it is where none fits.
template <size_t N>
std::string with_beginning(std::string_view name, const Pair (&table)[N]) {
  for (const Pair& pair : table) {
    if (name.starts_with(pair.reference)) {
      return std::string(pair.diffusers) + std::string(name.substr(pair.reference.size()));
    }
  }
  return std::string(name);
}

/// Cuts `prefix` off; false if the name does not begin with it.
bool cut(std::string_view* name, std::string_view prefix) {
  if (!name->starts_with(prefix)) return false;
  name->remove_prefix(prefix.size());
  return true;
}

/// Cuts a number and the dot behind it off; -1 if there is none.
int64_t cut_number(std::string_view* name) {
  int64_t number = -1;
  const auto [end, error] = std::from_chars(name->data(), name->data() + name->size(), number);
  if (error != std::errc() || end == name->data() + name->size() || *end != '.') return -1;
  name->remove_prefix(static_cast<size_t>(end - name->data()) + 1);
  return number;
}

std::string numbered(const char* what, int64_t number) {
  return std::string(what) + "." + std::to_string(number) + ".";
}

/// What stands at `place` of a level's block: a residual block, attention, or a resampling.
std::string unet_block_name(std::string_view rest, int64_t block, int64_t res_blocks, bool upward) {
  const int64_t place = cut_number(&rest);
  const int64_t of_level = res_blocks + 1;  // upward one more, downward the resampling
  const int64_t level = block / of_level, in_level = block % of_level;
  const std::string prefix = numbered(upward ? "up_blocks" : "down_blocks", level);
  if (cut(&rest, "op.")) return prefix + "downsamplers.0.conv." + std::string(rest);
  if (place > 0 && rest.starts_with("conv.")) return prefix + "upsamplers.0." + std::string(rest);
  if (place > 0) return prefix + numbered("attentions", in_level) + std::string(rest);
  return prefix + numbered("resnets", in_level) + with_beginning(rest, kUnetResnet);
}

/// The resnets of middle_block, whose own names are those of every residual block.
std::string unet_end_name(std::string_view rest) {
  const std::string name = with_beginning(rest, kUnetEnds);
  constexpr std::string_view kMiddle = "mid_block.resnets.";
  if (!name.starts_with(kMiddle)) return name;
  const size_t leaf = kMiddle.size() + 2;
  return name.substr(0, leaf) + with_beginning(std::string_view(name).substr(leaf), kUnetResnet);
}

template <size_t N>
std::string vae_name(std::string_view name, int64_t levels, const Pair (&attention)[N]) {
  std::string_view rest = name;
  if (!cut(&rest, "first_stage_model.")) return std::string(name);
  const bool encodes = cut(&rest, "encoder.");
  if (!encodes && !cut(&rest, "decoder.")) return std::string(rest);
  std::string half = encodes ? "encoder." : "decoder.";
  if (cut(&rest, "mid.attn_1.")) {
    return half + "mid_block.attentions.0." + with_beginning(rest, attention);
  }
  if (cut(&rest, encodes ? "down." : "up.")) {
    const int64_t level = cut_number(&rest);
    half += numbered(encodes ? "down_blocks" : "up_blocks", encodes ? level : levels - 1 - level);
    if (cut(&rest, "downsample.")) return half + "downsamplers.0." + std::string(rest);
    if (cut(&rest, "upsample.")) return half + "upsamplers.0." + std::string(rest);
    if (cut(&rest, "attn.")) {
      const int64_t number = cut_number(&rest);
      return half + numbered("attentions", number) + with_beginning(rest, attention);
    }
    cut(&rest, "block.");
    half += numbered("resnets", cut_number(&rest));
  }
  constexpr Pair kShortcut[] = {{"nin_shortcut.", "conv_shortcut."}};
  std::string leaf = with_beginning(rest, kVae);
  if (const size_t at = leaf.find("nin_shortcut."); at != std::string::npos) {
    leaf = leaf.substr(0, at) + with_beginning(std::string_view(leaf).substr(at), kShortcut);
  }
  return half + leaf;
}

}  // namespace

std::string diffusers_unet_name(std::string_view name, int64_t res_blocks) {
  std::string_view rest = name;
  if (!cut(&rest, kUnetPrefix)) return std::string(name);
  std::string_view block = rest;
  const bool upward = cut(&block, "output_blocks.");
  if (!upward && !cut(&block, "input_blocks.")) return unet_end_name(rest);
  const int64_t number = cut_number(&block);
  if (upward) return unet_block_name(block, number, res_blocks, true);
  return number == 0 ? unet_end_name(rest) : unet_block_name(block, number - 1, res_blocks, false);
}

std::string diffusers_vae_name(std::string_view name, int64_t levels) {
  return vae_name(name, levels, kVaeAttention);
}

std::string old_diffusers_vae_name(std::string_view name, int64_t levels) {
  return vae_name(name, levels, kOldVaeAttention);
}

std::string diffusers_text_name(std::string_view name) {
  std::string_view rest = name;
  cut(&rest, "cond_stage_model.transformer.");
  return std::string(rest);
}

}  // namespace sd::weights
