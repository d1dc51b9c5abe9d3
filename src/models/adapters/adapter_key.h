#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sd::models {

/// What a tensor of an adapter is to its layer. The names are LyCORIS' and kohya's.
enum class AdapterRole {
  kDown,      ///< LoRA: [rank, in, …]
  kUp,        ///< LoRA: [out, rank, …]
  kUpBias,    ///< LoRA as PEFT may write it: a bias of the up part, [out]
  kSingular,  ///< AdaLoRA: a factor for each rank, [rank, 1]
  kMid,       ///< LoCon, after Tucker: [rank, rank, k, k]
  kAlpha,
  kScale,
  kDoraScale,  ///< DoRA: [1, in, …] or [out, 1, …]
  kMagnitude,  ///< DoRA as PEFT writes it: [out]
  kHadaW1A,
  kHadaW1B,
  kHadaW2A,
  kHadaW2B,
  kHadaT1,
  kHadaT2,
  kLokrW1,
  kLokrW1A,
  kLokrW1B,
  kLokrW2,
  kLokrW2A,
  kLokrW2B,
  kLokrT2,
  kIa3,        ///< IA3: [in] or [out]
  kOnInput,    ///< IA3: which of the two
  kPeftIa3,    ///< IA3 as PEFT writes it: [1, in] or [out, 1]; of a convolution [1, n, 1, 1]
  kWhole,      ///< a layer that PEFT trained without an adapter: its new weight
  kWholeBias,  ///< its new bias
  kDiff,
  kDiffBias,
  kNormWeight,
  kNormBias,
  kGloraA1,
  kGloraA2,
  kGloraB1,
  kGloraB2,
  kOftBlocks,
  kOftDiag,
  kPeftOft,      ///< OFT as PEFT writes it: [blocks, s * (s - 1) / 2]
  kOftScaled,    ///< OneTrainer's, whose values are divided by a length; its value tells nothing
  kOftWeights,   ///< 1: of a convolution OneTrainer turns the weight, not what comes in
  kOftTerms,     ///< so many terms of a series stand for the rotation; 0: it is exact
  kOftTwice,     ///< 1: the last of these terms counts twice, as the others (PEFT before 0.18)
  kOftLimit,     ///< COFT: how far a layer may turn
  kPeftBlocks,   ///< OFT of PEFT before 0.16: [blocks, s, s]
  kPeftBoft,     ///< BOFT as PEFT writes it: [rounds, blocks, s, s]
  kInMemory,     ///< 1: BOFT of a convolution as PEFT turned it before 0.14
  kPeftLengths,  ///< beside both: a factor for each output
  kRescale,
};

/// A tensor's name in an adapter, in its two parts.
struct AdapterKey {
  std::string layer;  ///< as the file spells it: "lora_unet_mid_block_attentions_0_proj_in"
  AdapterRole role;
};

/// How a name with this role ends: "lora_down"; "" for one that no name has.
std::string_view word_of(AdapterRole role);

/// The parts of a name; nothing where it does not end as an adapter's do.
std::optional<AdapterKey> split_adapter_key(std::string_view name);

}  // namespace sd::models
