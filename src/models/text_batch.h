#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "models/embeddings.h"
#include "models/text_encoder.h"
#include "sd/prompt_settings.h"
#include "text/chunks.h"

namespace sd::models {

/// Texts that are encoded together: the stages of a prompt. As in the web UI they share a length,
/// and the mean that `Emphasis::kOriginal` restores.
struct TextBatch {
  std::vector<text::ChunkedText> texts;  ///< S of them
  std::vector<int64_t> counts;           ///< how often each stands in the batch, for the mean
  text::Chunk filling;                   ///< what shorter ones end with
};

/// Calls a text encoder.
using EncodeFn = std::function<at::Tensor(const TextInputs&)>;

/// [S, kMaxTokens·chunks, width] f32, chunk by chunk through the encoder, weighed.
at::Tensor encode_batch(const EncodeFn& encode, const TextBatch& batch,
                        const std::vector<TextEmbedding>& embeddings,
                        const PromptSettings& settings);

}  // namespace sd::models
