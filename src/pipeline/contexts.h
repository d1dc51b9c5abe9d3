#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "pipeline/networks.h"
#include "pipeline/stage_progress.h"
#include "text/tokenizer.h"

namespace sd {

/// What prompts say to the UNet; each prompt is encoded once. What it is given must outlive it.
class Contexts {
 public:
  Contexts(const Tokenizer& tokenizer, Networks* networks)
      : tokenizer_(tokenizer), networks_(networks) {}

  /// One row a prompt: [N, 77, width]. Says what of a prompt the model does not see. Throws
  /// kCheckpoint where the model was made for another tokenizer.
  at::Tensor of(const std::vector<std::string>& prompts, StageProgress* progress);

 private:
  at::Tensor encode(const std::string& prompt);

  const Tokenizer& tokenizer_;
  Networks* networks_;
  std::map<std::string, at::Tensor> known_;  // by prompt: [1, 77, width]
};

}  // namespace sd
