#pragma once

#include <ATen/core/Tensor.h>

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pipeline/networks.h"
#include "pipeline/stage_progress.h"
#include "text/tokenizer.h"

namespace sd {

/// What prompts say to the UNet. A prompt is encoded once, unless kMostContexts others were asked
/// for since. What it is given must outlive it.
class Contexts {
 public:
  /// How many are kept, 30 MB of them for Stable Diffusion v1.
  static constexpr size_t kMostContexts = 128;

  Contexts(const Tokenizer& tokenizer, Networks* networks)
      : tokenizer_(tokenizer), networks_(networks) {}

  /// One row a prompt: [N, 77, width]. Says what of a prompt the model does not see. Throws
  /// kCheckpoint where the model was made for another tokenizer.
  at::Tensor of(const std::vector<std::string>& prompts, StageProgress* progress);

 private:
  at::Tensor encode(const std::string& prompt);

  const Tokenizer& tokenizer_;
  Networks* networks_;
  /// The prompt's, the newest in `known_` then.
  const at::Tensor& find_or_encode(const std::string& prompt);

  struct Known {
    std::string prompt;
    at::Tensor context;  // [1, 77, width]
  };
  std::list<Known> known_;  // what was asked for last is first
  std::unordered_map<std::string_view, std::list<Known>::iterator> places_;  // by prompt, in known_
};

}  // namespace sd
