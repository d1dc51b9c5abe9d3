#include "base/log.h"
#include "base/strings.h"
#include "models/layouts/layouts.h"
#include "sd/error.h"
#include "weights/name_maps/name_maps.h"
#include "weights/weight_view.h"

namespace sd {
namespace {

bool choose_ema(const Checkpoint& checkpoint, const ModelConfig& config, WeightChoice weights) {
  const bool wanted =
      weights == WeightChoice::kEma || (weights == WeightChoice::kConfig && config.use_ema);
  if (wanted && !has_ema(checkpoint)) {
    throw Error(ErrorKind::kCheckpoint,
                "averaged weights are wanted (" +
                    std::string(weights == WeightChoice::kEma ? "--weights ema"
                                                              : "use_ema: True in the config") +
                    "), and " + printable(checkpoint.path()) + " has no model_ema.* tensors",
                "use --weights plain, or a checkpoint that was saved with its averaged weights");
  }
  return wanted;
}

/// How the file names CLIP's text tower.
NameMap text_names(const Checkpoint& checkpoint) {
  const bool is_short = !checkpoint.has_prefix("cond_stage_model.transformer.text_model.") &&
                        checkpoint.has_prefix("cond_stage_model.transformer.embeddings.");
  return is_short ? NameMap(short_text_name) : nullptr;
}

}  // namespace

ModelSource one_file_source(std::shared_ptr<const Checkpoint> file, const ModelConfig& config,
                            WeightChoice weights) {
  const bool ema = choose_ema(*file, config, weights);
  return {.path = file->path(),
          .config = config,
          .ema = ema,
          .text = {.file = file, .scope = "cond_stage_model", .names = text_names(*file)},
          .unet = {.file = file,
                   .scope = "model.diffusion_model",
                   .names = ema ? NameMap(ema_name) : nullptr},
          .coder = {.file = file, .scope = "first_stage_model"},
          .whole = {.file = file}};
}

const Layout kOneFileLayout = {
    "one file",
    [](const ModelPaths&) { return true; },
    [](const ModelPaths& paths) { return read_model_config(paths.config); },
    [](const ModelPaths& paths, const ModelConfig& config) {
      return one_file_source(open_checkpoint(paths.checkpoint), config, paths.weights);
    },
    [](const ModelPaths& paths) { return paths.checkpoint; },
};

}  // namespace sd
