#pragma once

#include <ATen/core/Tensor.h>

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "models/embeddings.h"
#include "pipeline/networks.h"
#include "sd/prompt_settings.h"
#include "text/chunks.h"
#include "text/prompt_schedule.h"

namespace sd::pipeline {

/// What a text says to the UNet at each stage of a run.
struct StagedContext {
  std::vector<int64_t> ends;         ///< of the stages, see stage_at
  std::vector<at::Tensor> contexts;  ///< of the stages: [kMaxTokens·chunks, width]

  const at::Tensor& at(int64_t evaluation) const {
    return contexts[text::stage_at(ends, evaluation)];
  }
};

/// Encodes texts. A text is encoded once, unless many others were asked for since. What it is given
/// must outlive it.
class Contexts {
 public:
  /// How many bytes are kept: 270 prompts for Stable Diffusion v1.
  static constexpr size_t kMostBytes = 64U << 20;
  static constexpr size_t kMostTexts = 270;

  /// `names`: those of the embeddings, as the tokenizer reads them.
  Contexts(const text::Tokenizer& tokenizer, const models::EmbeddingSet& embeddings,
           text::EmbeddingNames names, Networks* networks)
      : tokenizer_(tokenizer),
        embeddings_(&embeddings),
        names_(std::move(names)),
        networks_(networks) {}

  /// Says what of a plain prompt the model does not see. Throws kCheckpoint where the model was
  /// made for another tokenizer, kUsage for a clip skip that it does not have.
  std::shared_ptr<const StagedContext> of(const std::string& text,
                                          const text::PromptTimeline& timeline,
                                          const PromptSettings& settings);

  /// What was encoded so far is encoded again: the text encoder became another.
  void forget();
  /// Texts name these embeddings from now on. They must outlive it, or the next call.
  void use(const models::EmbeddingSet& embeddings);

 private:
  struct Known {
    std::string key;
    std::shared_ptr<const StagedContext> context;
    size_t bytes;
  };

  StagedContext encode(const std::string& text, const text::PromptTimeline& timeline,
                       const PromptSettings& settings);
  at::Tensor encode(const models::TextInputs& inputs);
  void keep(std::string key, std::shared_ptr<const StagedContext> context);

  const text::Tokenizer& tokenizer_;
  const models::EmbeddingSet* embeddings_;
  text::EmbeddingNames names_;
  Networks* networks_;
  std::list<Known> known_;  // what was asked for last is first
  std::unordered_map<std::string_view, std::list<Known>::iterator> places_;  // by key, in known_
  size_t bytes_ = 0;
};

}  // namespace sd::pipeline
