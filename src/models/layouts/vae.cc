#include "models/layouts/vae.h"

#include <fmt/core.h>

#include "base/strings.h"
#include "models/file_class.h"
#include "models/json_config.h"
#include "models/latent_coder.h"
#include "models/layouts/part_files.h"
#include "models/schemas/schemas.h"
#include "sd/error.h"
#include "weights/name_maps/name_maps.h"
#include "weights/weight_view.h"

namespace sd::models {
namespace fs = std::filesystem;

const std::string_view kTaesdPrefix = "taesd:";

namespace {

constexpr std::string_view kReference = "first_stage_model.";

/// What stands before every name of the autoencoder in the file.
std::string_view prefix_of(const weights::Checkpoint& file) {
  for (const std::string_view prefix : {kReference, std::string_view("vae.")}) {
    if (file.has_prefix(std::string(prefix) + "decoder.")) return prefix;
  }
  return "";
}

/// The folder of the autoencoder: the given one, or the one in that of a whole model.
fs::path vae_folder(const fs::path& given) {
  return is_file(given / "config.json") ? given : given / "vae";
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& way) {
  throw Error(ErrorKind::kCheckpoint, printable(path) + ": expected an autoencoder, found " + what,
              way);
}

/// Says what a file is that is no autoencoder of the kind that models of the reference have.
void require_vae(const weights::Checkpoint& file) {
  const std::string prefix(prefix_of(file));
  if (file.has_prefix(prefix + "decoder.conv_in.")) return;
  const FileClass found = classify(file, FileUse::kAutoencoder);
  refuse(file.path(), found.what, found.way);
}

/// Takes the numbers of the config that lies beside the weights. Throws kCheckpoint for one of an
/// autoencoder whose latents are others than the model's.
void take_config(const fs::path& path, ModelConfig* config) {
  if (const std::string name = JsonConfig(path, "").class_name(); name == "AutoencoderTiny") {
    refuse(path.string(), "a TAESD's config", "give it as taesd:FOLDER");
  }
  const AutoencoderConfig own = config->first_stage;
  config->first_stage = read_diffusers_vae(path, &config->scale_factor);
  config->scale_by_std = false;
  const AutoencoderConfig& taken = config->first_stage;
  if (taken.embed_dim == own.embed_dim && taken.factor() == own.factor()) return;
  refuse(
      path.string(),
      fmt::format("one with latents of {} channels and {} pixels a side, not the model's {} and {}",
                  taken.embed_dim, taken.factor(), own.embed_dim, own.factor()),
      "give `vae` an autoencoder for Stable Diffusion v1");
}

}  // namespace

weights::NameMap coder_names(const weights::Checkpoint& file, int64_t levels) {
  const std::string prefix(prefix_of(file));
  const bool diffusers = file.has_prefix(prefix + "decoder.up_blocks.");
  const bool old = file.has_prefix(prefix + "decoder.mid_block.attentions.0.query.");
  if (!diffusers && prefix == kReference) return nullptr;
  return [=](std::string_view name) {
    if (!name.starts_with(kReference)) return std::string(name);
    if (!diffusers) return prefix + std::string(name.substr(kReference.size()));
    return prefix + (old ? weights::old_diffusers_vae_name(name, levels)
                         : weights::diffusers_vae_name(name, levels));
  };
}

void require_coder(const ModelSource& source) {
  const weights::Checkpoint& file = *source.coder.file;
  const auto report = weights::WeightView::make_report(file.path(), file);
  runtime::ShapeRun shapes;
  const runtime::KernelPolicy kernels{.plain = true, .shapes = &shapes};
  make_coder(weights::WeightView(source.coder, report).on(at::kMeta), source.config, 1,
             CoderParts::kBoth, kernels);
  report->throw_if_failed();
}

void take_vae(const std::string& vae, ModelSource* source) {
  if (vae.starts_with(kTaesdPrefix)) return take_taesd(vae_path(vae), source);
  fs::path config;
  std::shared_ptr<const weights::Checkpoint> file;
  if (is_folder(vae)) {
    const fs::path folder = vae_folder(vae);
    file = open_part(network_files(vae, folder));
    config = inside(vae, folder / "config.json");
  } else {
    file = weights::open_checkpoint(vae);
    config = fs::path(vae).replace_filename("config.json");
  }
  require_vae(*file);
  const bool diffusers = file->has_prefix("decoder.up_blocks.");
  if (diffusers && is_file(config)) take_config(config, &source->config);
  source->config.taesd.reset();
  source->coder = {.file = file,
                   .scope = "first_stage_model",
                   .names = coder_names(*file, std::ssize(source->config.first_stage.ch_mult))};
  require_coder(*source);
}

std::string vae_path(const std::string& vae) {
  return vae.starts_with(kTaesdPrefix) ? vae.substr(kTaesdPrefix.size()) : vae;
}

std::string main_vae_file(const std::string& vae) {
  const bool tiny = vae.starts_with(kTaesdPrefix);
  const std::string path = vae_path(vae);
  if (!is_folder(path)) return path;
  if (tiny) {
    for (const char* ending : {".safetensors", ".pth", ".pt"}) {
      const fs::path decoder = fs::path(path) / (std::string("taesd_decoder") + ending);
      if (is_file(decoder)) return decoder.string();
    }
  }
  return find_part(network_files(path, vae_folder(path))).string();
}

}  // namespace sd::models
