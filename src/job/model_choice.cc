#include "job/model_choice.h"

#include <filesystem>

#include "base/log.h"
#include "base/regular_file.h"
#include "base/strings.h"
#include "models/model_source.h"
#include "runtime/data_files.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;
namespace {

constexpr const char* kBuiltInCheckpoint = "models/demo/model.safetensors";
constexpr const char* kBuiltInConfig = "models/demo/model.yaml";

/// Of a checkpoint without a config whose UNet reads so many channels.
constexpr const char* kInpaintConfig = "configs/stable-diffusion/v1-inpainting-inference.yaml";
constexpr int64_t kInpaintChannels = 9;

/// The reference's default places of a family.
struct DefaultPlaces {
  const char* checkpoint;
  const char* config;
};
constexpr DefaultPlaces kStableDiffusion = {"models/ldm/stable-diffusion-v1/model.ckpt",
                                            "configs/stable-diffusion/v1-inference.yaml"};
constexpr DefaultPlaces kLaion400m = {"models/ldm/text2img-large/model.ckpt",
                                      "configs/latent-diffusion/txt2img-1p4B-eval.yaml"};

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// From the working directory, else among the program's files, else empty.
std::string find_default(const char* place) {
  if (is_there(place)) return place;
  return runtime::find_data_file(place).string();
}

/// A config that was given: a path, or the name of one that comes with the program.
std::string given_config(const std::string& config) {
  if (is_found(config)) return config;
  const fs::path with_program = runtime::find_data_file(config);
  if (!with_program.empty()) return with_program.string();
  throw Error(ErrorKind::kFile, "there is no config " + printable(config),
              "give `config` the YAML file of the model, or leave it out for Stable Diffusion v1");
}

/// The autoencoder beside a checkpoint NAME.ckpt: NAME.vae.safetensors and so on; else empty.
std::string vae_beside(const fs::path& checkpoint) {
  for (const char* ending : {".vae.safetensors", ".vae.ckpt", ".vae.pt"}) {
    std::error_code ignored;
    const fs::path beside = fs::path(checkpoint).replace_extension(ending);
    if (fs::is_regular_file(beside, ignored)) return beside.string();
  }
  return "";
}

void choose_vae(const Settings& options, ChosenModel* chosen) {
  if (options.vae == kOwnVae) return;
  if (options.vae.empty()) {
    chosen->paths.vae = vae_beside(chosen->paths.checkpoint);
    if (chosen->paths.vae.empty()) return;
    notice("autoencoder: " + printable(chosen->paths.vae) + " (beside the checkpoint; `vae` " +
           kOwnVae + " takes the checkpoint's own)");
    return;
  }
  chosen->paths.vae = options.vae;
  const std::string path = models::vae_path(options.vae);
  if (is_found(path)) return;
  throw Error(ErrorKind::kFile, "there is no autoencoder " + printable(path),
              "check the path after `vae`");
}

void choose_config(const Settings& options, const DefaultPlaces& places, ChosenModel* chosen) {
  std::error_code ignored;
  const fs::path beside = fs::path(chosen->paths.checkpoint).replace_extension(".yaml");
  if (!options.config.empty()) {
    chosen->paths.config = given_config(options.config);
  } else if (fs::is_directory(chosen->paths.checkpoint, ignored)) {
    chosen->paths.config.clear();  // the folder has its own
  } else if (!options.ckpt.empty() && is_there(beside)) {
    chosen->paths.config = beside.string();
    chosen->note = "config: " + beside.string() + " (beside the checkpoint)";
  } else {
    const bool inpaints = models::input_channels(chosen->paths.checkpoint) == kInpaintChannels;
    chosen->paths.config = runtime::data_file(inpaints ? kInpaintConfig : places.config).string();
  }
}

/// The model that comes with the program; false if it was left out.
bool choose_built_in(ChosenModel* chosen) {
  const fs::path checkpoint = runtime::find_data_file(kBuiltInCheckpoint);
  if (checkpoint.empty()) return false;
  chosen->paths.checkpoint = checkpoint.string();
  chosen->paths.config = runtime::data_file(kBuiltInConfig).string();
  chosen->built_in = true;
  chosen->note = std::string(
                     "model: the small one that comes with this program (put Stable "
                     "Diffusion v1 at ") +
                 kStableDiffusion.checkpoint + ", or name it with `ckpt`)";
  return true;
}

/// The reference's --laion400m replaces what was given by hand.
void say_what_wins_over_laion(const Settings& options) {
  std::vector<std::string> given;
  if (!options.ckpt.empty()) given.emplace_back("`ckpt`");
  if (!options.config.empty()) given.emplace_back("`config`");
  if (options.outdir) given.emplace_back("`outdir`");
  if (given.empty()) return;
  notice("`laion400m`: " + join(given, ", ") + (given.size() == 1 ? " wins" : " win") +
         " over its own (in the reference it would not)");
}

}  // namespace

ChosenModel built_in_model(const std::string& vae) {
  ChosenModel chosen;
  if (!choose_built_in(&chosen)) {
    throw Error(ErrorKind::kFile, "the model that comes with the program is not there",
                "it belongs at " + std::string(kBuiltInCheckpoint));
  }
  chosen.paths.vae = vae;
  chosen.description = describe_model(chosen.paths);
  return chosen;
}

bool takes_built_in(const Settings& options) {
  return options.ckpt.empty() && options.config.empty() && !options.laion400m &&
         find_default(kStableDiffusion.checkpoint).empty() &&
         !runtime::find_data_file(kBuiltInCheckpoint).empty();
}

ChosenModel choose_model(const Settings& options) {
  if (options.laion400m) say_what_wins_over_laion(options);
  const DefaultPlaces& places = options.laion400m ? kLaion400m : kStableDiffusion;
  ChosenModel chosen;
  chosen.paths.weights = options.weights;
  if (!options.ckpt.empty() && !is_found(options.ckpt)) {
    throw Error(ErrorKind::kFile, "there is no checkpoint " + printable(options.ckpt),
                "check the path after `ckpt`");
  }
  chosen.paths.checkpoint = options.ckpt.empty() ? find_default(places.checkpoint) : options.ckpt;
  if (!chosen.paths.checkpoint.empty()) {
    choose_config(options, places, &chosen);
  } else if (!takes_built_in(options) || !choose_built_in(&chosen)) {
    throw Error(ErrorKind::kFile, std::string("there is no checkpoint at ") + places.checkpoint,
                "put the model there, or name it with `ckpt`");
  }
  choose_vae(options, &chosen);
  chosen.description = describe_model(chosen.paths);
  return chosen;
}

}  // namespace sd::job
