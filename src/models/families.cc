#include "models/families.h"

#include <algorithm>

#include "base/strings.h"
#include "models/schemas/schemas.h"
#include "runtime/data_files.h"
#include "sd/error.h"
#include "weights/name_maps/name_maps.h"

namespace sd::models {
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
    .make_tokenizer = text::make_clip_tokenizer,
    .make_text_encoder =
        [](const weights::WeightView& view, const ModelConfig& config,
           const runtime::KernelPolicy& kernels) {
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
    .make_tokenizer = text::make_bert_tokenizer,
    .make_text_encoder =
        [](const weights::WeightView& view, const ModelConfig& config,
           const runtime::KernelPolicy& kernels) {
          return make_bert_text(view, config.bert_text, kernels);
        },
};

}  // namespace

const std::vector<Family>& families() {
  constexpr FileUse kNone = FileUse::kNone;
  static const std::vector<Family> all = {
      {"sdxl-refiner",
       {weights::kUnetPrefix, "conditioner.embedders.0.model."},
       nullptr,
       "an SDXL refiner",
       kNone},
      {"sdxl", {weights::kUnetPrefix, "conditioner.embedders."}, nullptr, "an SDXL model", kNone},
      {"laion400m", {weights::kUnetPrefix, "cond_stage_model.transformer.attn_layers."}, &kBert},
      {"sd-v1", {weights::kUnetPrefix, "cond_stage_model.transformer.text_model."}, &kClip},
      {"sd-v1", {weights::kUnetPrefix, "cond_stage_model.transformer.embeddings."}, &kClip},
      {"sd-v2-depth",
       {weights::kUnetPrefix, "cond_stage_model.model.", "depth_model."},
       nullptr,
       "a depth model of Stable Diffusion 2",
       kNone},
      {"sd-v2",
       {weights::kUnetPrefix, "cond_stage_model.model."},
       nullptr,
       "a Stable Diffusion 2 model",
       kNone},
      {"sd-v3",
       {"model.diffusion_model.joint_blocks."},
       nullptr,
       "a Stable Diffusion 3 model",
       kNone},
      {"flux", {"double_blocks.", "single_blocks."}, nullptr, "a FLUX model", kNone},
      {"flux", {"model.diffusion_model.double_blocks."}, nullptr, "a FLUX model", kNone},
      {"latent-diffusion",
       {weights::kUnetPrefix},
       nullptr,
       "a UNet without a text encoder that this program knows",
       FileUse::kPart},
      // The file of an autoencoder's training has averaged weights, too.
      {"autoencoder",
       {"encoder.conv_in.", "decoder.conv_in."},
       nullptr,
       "an autoencoder alone",
       FileUse::kAutoencoder},
      {"latent-diffusion (averaged weights only)",
       {"model_ema."},
       nullptr,
       "the averaged weights of a UNet alone",
       FileUse::kPart},
      {"controlnet", {"control_model."}, nullptr, "a ControlNet", kNone},
      {"controlnet", {"controlnet_cond_embedding."}, nullptr, "a ControlNet", kNone},
      {"lora", {"lora_unet_"}, nullptr, "a LoRA adapter", FileUse::kAdapter},
      {"lora", {"lora_te"}, nullptr, "a LoRA adapter", FileUse::kAdapter},
      {"lora", {"unet.down_blocks."}, nullptr, "a LoRA adapter", FileUse::kAdapter},
      {"ip-adapter", {"ip_adapter."}, nullptr, "an IP-Adapter", kNone},
      {"embedding", {"emb_params"}, nullptr, "a textual inversion embedding", FileUse::kEmbedding},
      {"hypernetwork", {"768.0.linear."}, nullptr, "a hypernetwork", kNone},
      {"safety-checker",
       {"vision_model.", "special_care_embeds"},
       nullptr,
       "a safety checker",
       FileUse::kSafetyChecker},
      {"clip", {"vision_model.", "text_model."}, nullptr, "a CLIP model", FileUse::kPart},
      {"clip-text", {"text_model."}, nullptr, "a text encoder alone", FileUse::kPart},
      {"clip-text", {"cond_stage_model."}, nullptr, "a text encoder alone", FileUse::kPart},
      {"autoencoder",
       {"first_stage_model."},
       nullptr,
       "an autoencoder alone",
       FileUse::kAutoencoder},
      {"taesd", {"encoder.layers.", "decoder.layers."}, nullptr, "a TAESD", FileUse::kTaesd},
      {"taesd", {"1.weight", "3.conv.0."}, nullptr, "the decoder of a TAESD", FileUse::kTaesd},
      {"taesd", {"0.weight", "1.conv.0."}, nullptr, "the encoder of a TAESD", FileUse::kTaesd},
      {"diffusers-unet",
       {"conv_in.", "down_blocks.", "mid_block."},
       nullptr,
       "the UNet of a diffusers folder",
       FileUse::kPartOfFolder},
  };
  return all;
}

const Family* find_family(const std::function<bool(std::string_view)>& has_prefix) {
  for (const Family& family : families()) {
    if (std::all_of(family.prefixes.begin(), family.prefixes.end(), has_prefix)) return &family;
  }
  return nullptr;
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

std::unique_ptr<text::Tokenizer> make_tokenizer(const ModelConfig& config) {
  const TextParts& text = *family_of(config).text;
  return text.make_tokenizer(runtime::data_file(text.tokenizer));
}

}  // namespace sd::models
