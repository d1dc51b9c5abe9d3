#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sd {

/// An adapter (LoRA and its kin) and how strongly it is applied.
struct LoraUse {
  std::string file;
  double unet = 1;
  double text = 1;                   ///< on the text encoder
  std::optional<int64_t> rank = {};  ///< of a LoRA: only so many of its first ranks
  bool in_prompt = false;            ///< named by the prompt: `<lora:…>`

  bool operator==(const LoraUse&) const = default;
};

}  // namespace sd
