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
    rows.push_back(find_or_encode(prompt));
    progress->step_done();
  }
  return at::cat(rows);
}

const at::Tensor& Contexts::find_or_encode(const std::string& prompt) {
  if (const auto place = places_.find(prompt); place != places_.end()) {
    known_.splice(known_.begin(), known_, place->second);
    return known_.front().context;
  }
  known_.push_front({prompt, encode(prompt)});
  places_.emplace(known_.front().prompt, known_.begin());
  if (known_.size() > kMostContexts) {
    places_.erase(known_.back().prompt);
    known_.pop_back();
  }
  return known_.front().context;
}

at::Tensor Contexts::encode(const std::string& prompt) {
  const Zone zone("text encoder");
  const Tokens tokens = tokenizer_.encode(prompt);
  if (!tokens.lost.empty()) {
    notice(format("the prompt is %lld tokens too long: the model does not see \"%s\"",
                  static_cast<long long>(tokens.lost_tokens), printable(tokens.lost, 400).c_str()));
  }
  const int64_t vocab_size = networks_->text_encoder->vocab_size();
  const int64_t largest = *std::max_element(tokens.ids.begin(), tokens.ids.end());
  if (largest >= vocab_size) {
    throw Error(ErrorKind::kCheckpoint,
                format("the prompt has the token %lld, and the model's vocabulary has %lld",
                       static_cast<long long>(largest), static_cast<long long>(vocab_size)),
                "the model was made for another tokenizer");
  }
  const at::Tensor ids = at::tensor(tokens.ids, at::kLong).unsqueeze(0);  // [1, 77]
  at::Tensor encoded = networks_->text_encoder->encode(ids);
  if (networks_->text_encoder.widen(encoded)) encoded = networks_->text_encoder->encode(ids);
  return encoded;
}

}  // namespace sd
