#include "models/families.h"

#include "base/strings.h"
#include "models/schemas/schemas.h"
#include "runtime/data_files.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr TextParts kClip = {
    .text = TextFamily::kClip,
    .target = "ldm.modules.encoders.modules.FrozenCLIPEmbedder",
    .tokenizer = "tokenizer/clip.model",
    .width = [](const ModelConfig& config) { return config.clip_text.hidden_size; },
    .read_config =
        [](Params params, const std::filesystem::path& yaml, ModelConfig* config) {
          config->clip_text = read_clip_text_config(std::move(params), yaml);
        },
    .make_tokenizer = make_clip_tokenizer,
    .make_text_encoder =
        [](const WeightView& view, const ModelConfig& config, const KernelPolicy& kernels) {
          return make_clip_text(view, config.clip_text, kernels);
        },
};

constexpr TextParts kBert = {
    .text = TextFamily::kBert,
    .target = "ldm.modules.encoders.modules.BERTEmbedder",
    .tokenizer = "tokenizer/bert-vocab.txt",
    .width = [](const ModelConfig& config) { return config.bert_text.n_embed; },
    .read_config =
        [](Params params, const std::filesystem::path&, ModelConfig* config) {
          config->bert_text = read_bert_text_config(std::move(params));
        },
    .make_tokenizer = make_bert_tokenizer,
    .make_text_encoder =
        [](const WeightView& view, const ModelConfig& config, const KernelPolicy& kernels) {
          return make_bert_text(view, config.bert_text, kernels);
        },
};

constexpr std::string_view kUnet = "model.diffusion_model.";

}  // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {"laion400m", {kUnet, "cond_stage_model.transformer.attn_layers."}, &kBert},
      {"sd-v1", {kUnet, "cond_stage_model.transformer.text_model."}, &kClip},
      {"sd-v1", {kUnet, "cond_stage_model.transformer.embeddings."}, &kClip},
      {"sd-v2", {kUnet, "cond_stage_model.model.transformer."}},
      {"latent-diffusion", {kUnet}},
      {"latent-diffusion (averaged weights only)", {"model_ema."}},
      {"safety-checker", {"vision_model.", "special_care_embeds"}},
      {"clip", {"vision_model.", "text_model."}},
      {"clip-text", {"text_model."}},
      {"clip-text", {"cond_stage_model."}},
      {"autoencoder", {"first_stage_model."}},
      {"autoencoder", {"encoder.conv_in.", "decoder.conv_in."}},
  };
  return all;
}

const Family& family_of(const ModelConfig& config) {
  for (const Family& family : families()) {
    if (family.text != nullptr && family.text->text == config.text_family) return family;
  }
  throw Error(ErrorKind::kInternal, "a text family is missing from the table");
}

const TextParts& text_parts_of(const std::string& target, const std::filesystem::path& yaml) {
  std::vector<std::string> known;
  for (const Family& family : families()) {
    if (family.text == nullptr) continue;
    if (family.text->target == target) return *family.text;
    if (known.empty() || known.back() != family.text->target) {
      known.emplace_back(family.text->target);
    }
  }
  throw Error(ErrorKind::kCheckpoint,
              "config " + printable(yaml.string()) + ": the text encoder " + printable(target, 80) +
                  " is not one that this program computes",
              "it computes " + join(known, " and "));
}

std::unique_ptr<Tokenizer> make_tokenizer(const ModelConfig& config) {
  const TextParts& text = *family_of(config).text;
  return text.make_tokenizer(data_file(text.tokenizer));
}

}  // namespace sd
