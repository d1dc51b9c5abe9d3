#include "pipeline/contexts.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/log.h"
#include "base/strings.h"
#include "models/text_batch.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd::pipeline {
namespace {

std::vector<text::PromptStage> stages_of(const std::string& text,
                                         const text::PromptTimeline& timeline,
                                         const PromptSettings& settings) {
  if (settings.syntax == PromptSyntax::kPlain) return {{timeline.steps, text}};
  return text::schedule_prompt(text, timeline);
}

/// All that a context depends on.
std::string key_of(const std::string& text, const text::PromptTimeline& timeline,
                   const PromptSettings& settings) {
  const bool plain = settings.syntax == PromptSyntax::kPlain;
  const std::string how = fmt::format("{:d} {:d} {} {} {} {:d}", plain, settings.long_prompts,
                                      static_cast<int>(settings.emphasis), settings.comma_backtrack,
                                      settings.clip_skip, timeline.old_editing);
  if (plain) return how + '\n' + text;
  return how + fmt::format(" {} {}\n", timeline.steps, timeline.first_pass) + text;
}

size_t bytes_of(const StagedContext& context) {
  std::set<const void*> seen;
  size_t bytes = 0;
  for (const at::Tensor& one : context.contexts) {
    if (seen.insert(one.const_data_ptr()).second) bytes += one.nbytes();
  }
  return bytes;
}

void check_clip_skip(int64_t clip_skip, int64_t most) {
  if (clip_skip >= 1 && clip_skip <= most) return;
  throw Error(
      ErrorKind::kUsage,
      fmt::format("`clip_skip` must be from 1 to {} with this model, found {}", most, clip_skip),
      "1 takes the text encoder's last layer, 2 the second to last");
}

/// Says what of a prompt falls off the end.
void tell_of_cut(const text::Tokenizer& tokenizer, const std::string& prompt) {
  const text::Tokens tokens = tokenizer.encode(prompt);
  if (tokens.lost.empty()) return;
  notice(fmt::format("the prompt is {} tokens too long: the model does not see \"{}\"",
                     tokens.lost_tokens, printable(tokens.lost, 400)));
}

}  // namespace

std::shared_ptr<const StagedContext> Contexts::of(const std::string& text,
                                                  const text::PromptTimeline& timeline,
                                                  const PromptSettings& settings) {
  std::string key = key_of(text, timeline, settings);
  if (const auto place = places_.find(key); place != places_.end()) {
    known_.splice(known_.begin(), known_, place->second);
    return known_.front().context;
  }
  auto context = std::make_shared<const StagedContext>(encode(text, timeline, settings));
  keep(std::move(key), context);
  return context;
}

void Contexts::keep(std::string key, std::shared_ptr<const StagedContext> context) {
  const size_t bytes = bytes_of(*context);
  known_.push_front({std::move(key), std::move(context), bytes});
  places_.emplace(known_.front().key, known_.begin());
  bytes_ += bytes;
  while ((bytes_ > kMostBytes && known_.size() > 1) || known_.size() > kMostTexts) {
    bytes_ -= known_.back().bytes;
    places_.erase(known_.back().key);
    known_.pop_back();
  }
}

StagedContext Contexts::encode(const std::string& text, const text::PromptTimeline& timeline,
                               const PromptSettings& settings) {
  const runtime::Zone zone("text encoder");
  check_clip_skip(settings.clip_skip, networks_->text_encoder->most_clip_skip());
  const bool is_cut = settings.syntax == PromptSyntax::kPlain && !settings.long_prompts;
  if (is_cut) tell_of_cut(tokenizer_, text);
  models::TextBatch batch{.texts = {}, .counts = {}, .filling = text::empty_chunk(tokenizer_)};
  StagedContext result;
  std::map<std::string, size_t> rows;  // of the batch, by text
  std::vector<size_t> row_of_stage;
  for (const text::PromptStage& stage : stages_of(text, timeline, settings)) {
    const auto [row, is_new] = rows.emplace(stage.text, batch.texts.size());
    if (is_new) {
      batch.texts.push_back(text::chunk_prompt(stage.text, settings, tokenizer_, names_));
      batch.counts.push_back(0);
    }
    ++batch.counts[row->second];
    row_of_stage.push_back(row->second);
    result.ends.push_back(stage.until);
  }
  const at::Tensor encoded =
      models::encode_batch([this](const models::TextInputs& inputs) { return encode(inputs); },
                           batch, embeddings_->embeddings, settings);
  for (const size_t row : row_of_stage) {
    result.contexts.push_back(encoded[static_cast<int64_t>(row)]);
  }
  return result;
}

at::Tensor Contexts::encode(const models::TextInputs& inputs) {
  const int64_t vocab_size = networks_->text_encoder->vocab_size();
  const auto largest = inputs.ids.max().item<int64_t>();
  if (largest >= vocab_size) {
    throw Error(ErrorKind::kCheckpoint,
                fmt::format("the prompt has the token {}, and the model's vocabulary has {}",
                            largest, vocab_size),
                "the model was made for another tokenizer");
  }
  at::Tensor encoded = networks_->text_encoder->encode(inputs);
  if (networks_->text_encoder.widen(encoded)) encoded = networks_->text_encoder->encode(inputs);
  return encoded;
}

void Contexts::use(const models::EmbeddingSet& embeddings) {
  forget();
  embeddings_ = &embeddings;
  names_ = text::EmbeddingNames(tokenizer_, embeddings.names());
}

void Contexts::forget() {
  places_.clear();
  known_.clear();
  bytes_ = 0;
}

}  // namespace sd::pipeline
