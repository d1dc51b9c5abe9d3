#include "base/strings.h"
#include "models/file_class.h"
#include "models/layouts/layouts.h"
#include "models/stored_schedule.h"
#include "sd/error.h"
#include "weights/name_maps/name_maps.h"
#include "weights/weight_view.h"

namespace sd::models {
namespace {

bool choose_ema(const weights::Checkpoint& checkpoint, const ModelConfig& config,
                WeightChoice weights) {
  const bool wanted =
      weights == WeightChoice::kEma || (weights == WeightChoice::kConfig && config.use_ema);
  if (wanted && !weights::has_ema(checkpoint)) {
    throw Error(ErrorKind::kCheckpoint,
                "averaged weights are requested (" +
                    std::string(weights == WeightChoice::kEma ? "`weights` ema"
                                                              : "use_ema: True in the config") +
                    "), and " + printable(checkpoint.path()) + " has no model_ema.* tensors",
                "use `weights` plain, or a checkpoint that was saved with its averaged weights");
  }
  return wanted;
}

/// How the file names CLIP's text tower.
weights::NameMap text_names(const weights::Checkpoint& checkpoint) {
  const bool is_short = !checkpoint.has_prefix("cond_stage_model.transformer.text_model.") &&
                        checkpoint.has_prefix("cond_stage_model.transformer.embeddings.");
  return is_short ? weights::NameMap(weights::short_text_name) : nullptr;
}

/// What models with so many input channels are.
const char* kind_with_channels(int64_t channels) {
  if (channels == 9) return "an inpainting model (9 input channels)";
  if (channels == 8) return "an InstructPix2Pix model (8 input channels)";
  return nullptr;
}

[[noreturn]] void refuse(const weights::Checkpoint& file, std::string_view what,
                         std::string_view way) {
  throw Error(
      ErrorKind::kCheckpoint,
      printable(file.path()) + ": expected a model to draw with, found " + std::string(what),
      std::string(way));
}

/// Says what a file is that is no model of ours, rather than all that it lacks.
void require_model(const weights::Checkpoint& file, const ModelConfig& config) {
  const FileClass found = classify(file, FileUse::kModel);
  if (found.use != FileUse::kModel) refuse(file, found.what, found.way);
  if (file.find("model.diffusion_model.time_embed.cond_proj.weight") != nullptr) {
    refuse(file, "a distilled one whose UNet reads the guidance scale (time_embed.cond_proj)",
           "draw with a plain model and an adapter for few steps, such as LCM-LoRA");
  }
  const weights::TensorInfo* first = file.find("model.diffusion_model.input_blocks.0.0.weight");
  if (first == nullptr || first->shape.size() != 4) return;
  const char* kind = kind_with_channels(first->shape[1]);
  if (kind != nullptr && first->shape[1] != config.unet.in_channels) {
    refuse(file, kind,
           first->shape[1] == 8
               ? "this program draws with models of 4 input channels, and of 9 to inpaint"
               : "the config is for another: leave `config` out, or give "
                 "configs/stable-diffusion/v1-inpainting-inference.yaml");
  }
  if (first->shape[1] == 4 && config.inpaints()) {
    refuse(file, "one of 4 input channels", "the config is for an inpainting model: leave it out");
  }
}

/// Whether the file itself says that its model predicts v, whatever the config says: by a key that
/// other programs look for, or in its metadata.
bool says_v(const weights::Checkpoint& file) {
  if (file.find("v_pred") != nullptr) return true;
  const auto& metadata = file.contents().metadata;
  for (const char* key : {"modelspec.prediction_type", "prediction_type"}) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) continue;
    return found->second == "v" || found->second == "v_prediction";
  }
  return false;
}

}  // namespace

ModelSource one_file_source(const std::shared_ptr<const weights::Checkpoint>& file,
                            const ModelConfig& config, WeightChoice weights) {
  const bool ema = choose_ema(*file, config, weights);
  return {.path = file->path(),
          .config = config,
          .ema = ema,
          .text = {.file = file, .scope = "cond_stage_model", .names = text_names(*file)},
          .unet = {.file = file,
                   .scope = "model.diffusion_model",
                   .names = ema ? weights::NameMap(weights::ema_name) : nullptr},
          .coder = {.file = file, .scope = "first_stage_model"},
          .whole = {.file = file}};
}

int64_t input_channels(const std::string& checkpoint) {
  try {
    const auto file = weights::open_checkpoint(checkpoint);
    const weights::TensorInfo* first = file->find("model.diffusion_model.input_blocks.0.0.weight");
    return first != nullptr && first->shape.size() == 4 ? first->shape[1] : 0;
  } catch (const Error&) {
    return 0;  // whoever opens it to draw says what is wrong
  }
}

const Layout kOneFileLayout = {
    "one file",
    [](const ModelPaths&) { return true; },
    [](const ModelPaths& paths) { return read_model_config(paths.config); },
    [](const ModelPaths& paths, const ModelConfig& config) {
      const auto file = weights::open_checkpoint(paths.checkpoint);
      require_model(*file, config);
      ModelSource source = one_file_source(file, config, paths.weights);
      source.config.predicts_v = config.predicts_v || says_v(*file);
      source.config.zero_snr =
          source.config.predicts_v && (config.zero_snr || file->find("ztsnr") != nullptr ||
                                       ends_in_noise(*file, source.config));
      return source;
    },
    [](const ModelPaths& paths) { return paths.checkpoint; },
    [](const ModelPaths&) { return std::vector<ModelFile>(); },
};

}  // namespace sd::models
