#include "base/log.h"
#include "base/split.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "models/file_class.h"
#include "models/json_config.h"
#include "models/layouts/layouts.h"
#include "models/layouts/part_files.h"
#include "models/layouts/vae.h"
#include "models/schemas/schemas.h"
#include "sd/error.h"
#include "weights/name_maps/name_maps.h"
#include "weights/sha256.h"

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

/// Pipelines for other models, by a part of their class's name.
struct OtherPipeline {
  std::string_view part;
  const char* what;
};

constexpr OtherPipeline kOtherPipelines[] = {{"XL", "Stable Diffusion XL"},
                                             {"StableDiffusion3", "Stable Diffusion 3"},
                                             {"Flux", "FLUX"},
                                             {"AltDiffusion", "AltDiffusion"},
                                             {"StableCascade", "Stable Cascade"},
                                             {"Wuerstchen", "Stable Cascade"},
                                             {"PixArt", "PixArt"},
                                             {"Kandinsky", "Kandinsky"},
                                             {"Video", "a video model"}};

/// What model_index.json calls the model, where it is one of other parts. (The pipelines of one
/// model, for inpainting say, differ only in what is drawn with it.)
void require_pipeline(const fs::path& folder) {
  const fs::path index = inside(folder, folder / "model_index.json");
  if (!is_file(index)) return;
  const std::string name = JsonConfig(index, "").class_name();
  for (const OtherPipeline& other : kOtherPipelines) {
    if (name.find(other.part) == std::string::npos) continue;
    throw Error(ErrorKind::kCheckpoint,
                printable(folder.string()) + ": expected a model to draw with, found " +
                    other.what + " (" + printable(name, 60) + ")",
                way_of(FileUse::kNone));
  }
}

/// Texts are read with CLIP's merges, whichever the folder has; says so where it has others.
void tell_of_tokenizer(const fs::path& folder) {
  constexpr size_t kMostBytes = size_t{4} << 20;
  // Of openai/clip-vit-large-patch14's merges.txt, without its first line.
  constexpr std::string_view kMerges =
      "d308b7377a8ceaa9707a21614fe8c831b9196e197b7aeb69833359362907af02";
  const fs::path merges = inside(folder, folder / "tokenizer" / "merges.txt");
  if (!is_file(merges)) return;
  std::string problem, lines;
  const auto text = read_text_file(merges, kMostBytes, &problem);
  for (std::string_view line : split(text.value_or(""), '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && !line.starts_with("#version")) lines.append(line).append("\n");
  }
  if (weights::sha256_of(lines.data(), lines.size()) == kMerges) return;
  notice(printable(merges.string()) +
         " are not the merges of CLIP's tokenizer, which is used nevertheless");
}

/// A model's folder in the cache of Hugging Face's hub holds folders of its revisions.
void require_revision(const fs::path& folder) {
  std::error_code ignored;
  if (is_file(folder / "unet" / "config.json")) return;
  if (!fs::is_directory(folder / "snapshots", ignored)) return;
  throw Error(
      ErrorKind::kCheckpoint,
      printable(folder.string()) + ": expected the folder of a model, found that of its revisions",
      "give one of the folders in its snapshots");
}

/// How the file names CLIP's text tower: transformers 5 leaves "text_model." out.
weights::NameMap text_names(const weights::Checkpoint& file) {
  const bool is_short = !file.has_prefix("text_model.") && file.has_prefix("embeddings.");
  if (!is_short) return weights::diffusers_text_name;
  return [](std::string_view name) {
    return weights::diffusers_text_name(weights::short_text_name(name));
  };
}

ModelConfig read_config(const ModelPaths& paths) {
  if (!paths.config.empty()) return read_model_config(paths.config);
  const fs::path folder = model_folder(paths);
  require_revision(folder);
  require_pipeline(folder);
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

/// The other networks, and the configs where no YAML file stands for them.
std::vector<ModelFile> other_files(const ModelPaths& paths) {
  const fs::path folder = model_folder(paths);
  std::vector<ModelFile> files;
  const auto add = [&files](const char* part, const fs::path& path) {
    if (is_file(path)) files.push_back({part, path.string()});
  };
  add("text_encoder", find_part(text_files(folder, folder / "text_encoder")));
  if (paths.vae.empty()) add("vae", find_part(network_files(folder, folder / "vae")));
  if (!paths.config.empty()) return files;
  add("text_encoder_config", folder / "text_encoder" / "config.json");
  add("unet_config", folder / "unet" / "config.json");
  add("vae_config", folder / "vae" / "config.json");
  add("scheduler_config", folder / "scheduler" / "scheduler_config.json");
  return files;
}

ModelSource open_folder(const ModelPaths& paths, const ModelConfig& config) {
  const fs::path folder = model_folder(paths);
  if (paths.weights == WeightChoice::kEma || config.text_family != TextFamily::kClip) {
    throw Error(ErrorKind::kCheckpoint,
                printable(folder.string()) +
                    ": expected averaged weights or BERT in one file, found a diffusers folder",
                "leave `weights` ema out");
  }
  tell_of_tokenizer(folder);
  const auto unet = open_part(network_files(folder, folder / "unet"));
  const auto vae = open_part(network_files(folder, folder / "vae"));
  const auto text = open_part(text_files(folder, folder / "text_encoder"));
  return {.path = folder.string(),
          .config = config,
          .ema = false,
          .text = {.file = text, .scope = "cond_stage_model", .names = text_names(*text)},
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

const Layout kDiffusersFolderLayout = {"diffusers folder", is_folder, read_config,
                                       open_folder,        main_file, other_files};

}  // namespace sd::models
