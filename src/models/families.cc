#include "models/families.h"

#include "runtime/data_files.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr Family kFamilies[] = {
    {TextFamily::kClip, "sd-v1", "tokenizer/clip.model", make_clip_tokenizer,
     [](const WeightView& view, const ModelConfig& config, const KernelPolicy& kernels) {
       return make_clip_text(view, config.clip_text, kernels);
     }},
    {TextFamily::kBert, "laion400m", "tokenizer/bert-vocab.txt", make_bert_tokenizer,
     [](const WeightView& view, const ModelConfig& config, const KernelPolicy& kernels) {
       return make_bert_text(view, config.bert_text, kernels);
     }},
};

}  // namespace

const Family& family_of(const ModelConfig& config) {
  for (const Family& family : kFamilies) {
    if (family.text == config.text_family) return family;
  }
  throw Error(ErrorKind::kInternal, "a text family is missing from the table");
}

std::unique_ptr<Tokenizer> make_tokenizer(const ModelConfig& config) {
  const Family& family = family_of(config);
  return family.make_tokenizer(data_file(family.tokenizer));
}

}  // namespace sd
