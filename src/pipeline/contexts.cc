#include "pipeline/contexts.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd {

at::Tensor Contexts::of(const std::vector<std::string>& prompts, StageProgress* progress) {
  std::vector<at::Tensor> rows;
  for (const std::string& prompt : prompts) {
    auto known = known_.find(prompt);
    if (known == known_.end()) known = known_.emplace(prompt, encode(prompt)).first;
    rows.push_back(known->second);
    progress->step_done();
  }
  return at::cat(rows);
}

at::Tensor Contexts::encode(const std::string& prompt) {
  const Zone zone("text encoder");
  const Tokens tokens = tokenizer_.encode(prompt);
  if (!tokens.lost.empty()) {
    notice(format("the prompt is %lld tokens too long: the model does not see \"%s\"",
                  static_cast<long long>(tokens.lost_tokens), printable(tokens.lost, 400).c_str()));
  }
  const int64_t vocab_size = networks_->text_encoder().vocab_size();
  const int64_t largest = *std::max_element(tokens.ids.begin(), tokens.ids.end());
  if (largest >= vocab_size) {
    throw Error(ErrorKind::kCheckpoint,
                format("the prompt has the token %lld, and the model's vocabulary has %lld",
                       static_cast<long long>(largest), static_cast<long long>(vocab_size)),
                "the model was made for another tokenizer");
  }
  const at::Tensor ids = at::tensor(tokens.ids, at::kLong).unsqueeze(0);  // [1, 77]
  at::Tensor encoded = networks_->text_encoder().encode(ids);
  if (networks_->widen_text_encoder(encoded)) encoded = networks_->text_encoder().encode(ids);
  return encoded;
}

}  // namespace sd
