#include "base/strings.h"
#include "models/json_config.h"
#include "models/layouts/layouts.h"
#include "models/layouts/part_files.h"
#include "models/layouts/vae.h"
#include "models/schemas/schemas.h"
#include "sd/error.h"
#include "weights/name_maps/name_maps.h"

namespace sd::models {
namespace fs = std::filesystem;
namespace {

/// The folder of the whole model: the given one, or where that holds one part of a model, the one
/// above it.
fs::path model_folder(const ModelPaths& paths) {
  const fs::path given = paths.checkpoint;
  if (!is_file(given / "config.json") || is_file(given / "unet" / "config.json")) return given;
  fs::path folder = fs::absolute(given).lexically_normal();
  if (folder.filename().empty()) folder = folder.parent_path();
  folder = folder.parent_path();
  if (is_file(folder / "unet" / "config.json")) return folder;
  const std::string part = JsonConfig(given / "config.json", "").class_name();
  throw Error(ErrorKind::kCheckpoint,
              printable(given.string()) + ": expected the folder of a whole model, found " +
                  (part.empty() ? "one part of it" : part) + " alone",
              part.starts_with("Autoencoder") ? "give it with `vae`" : "give the folder above it");
}

bool is_folder(const ModelPaths& paths) {
  std::error_code ignored;
  return fs::is_directory(paths.checkpoint, ignored);
}

ModelConfig read_config(const ModelPaths& paths) {
  if (!paths.config.empty()) return read_model_config(paths.config);
  const fs::path folder = model_folder(paths);
  for (const char* part : {"unet", "vae", "text_encoder"}) {
    const fs::path config = folder / part / "config.json";
    if (!is_file(config)) {
      refuse_folder(
          folder,
          std::string("expected a config.json in unet, vae and text_encoder, found none in ") +
              part);
    }
    inside(folder, config);
  }
  inside(folder, folder / "scheduler" / "scheduler_config.json");
  return read_diffusers_config(folder);
}

/// That of the UNet, or the index of its files.
std::string main_file(const ModelPaths& paths) {
  const fs::path folder = model_folder(paths);
  return find_part(network_files(folder, folder / "unet")).string();
}

ModelSource open_folder(const ModelPaths& paths, const ModelConfig& config) {
  const fs::path folder = model_folder(paths);
  if (paths.weights == WeightChoice::kEma || config.text_family != TextFamily::kClip) {
    throw Error(ErrorKind::kCheckpoint,
                printable(folder.string()) +
                    ": expected averaged weights or BERT in one file, found a diffusers folder",
                "leave --weights ema out");
  }
  const auto unet = open_part(network_files(folder, folder / "unet"));
  const auto vae = open_part(network_files(folder, folder / "vae"));
  const auto text = open_part(text_files(folder, folder / "text_encoder"));
  return {
      .path = folder.string(),
      .config = config,
      .ema = false,
      .text = {.file = text, .scope = "cond_stage_model", .names = weights::diffusers_text_name},
      .unet = {.file = unet,
               .scope = "model.diffusion_model",
               .names =
                   [blocks = config.unet.num_res_blocks](std::string_view name) {
                     return weights::diffusers_unet_name(name, blocks);
                   }},
      .coder = {.file = vae,
                .scope = "first_stage_model",
                .names = coder_names(*vae, std::ssize(config.first_stage.ch_mult))},
      .whole = {.file = unet, .names = [](std::string_view) { return std::string(); }}};
}

}  // namespace

const Layout kDiffusersFolderLayout = {"diffusers folder", is_folder, read_config, open_folder,
                                       main_file};

}  // namespace sd::models
