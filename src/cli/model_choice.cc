#include "cli/model_choice.h"

#include <filesystem>

#include "base/log.h"
#include "base/strings.h"
#include "runtime/data_files.h"
#include "sd/error.h"

namespace sd {
namespace fs = std::filesystem;
namespace {

constexpr const char* kBuiltInCheckpoint = "models/demo/model.safetensors";
constexpr const char* kBuiltInConfig = "models/demo/model.yaml";

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
  return find_data_file(place).string();
}

/// A config that was given: a path, or the name of one that comes with the program.
std::string given_config(const std::string& config) {
  if (is_there(config)) return config;
  const fs::path with_program = find_data_file(config);
  if (!with_program.empty()) return with_program.string();
  throw Error(ErrorKind::kFile, "there is no config " + printable(config),
              "give --config the YAML file of the model, or leave it out for Stable Diffusion v1");
}

std::string config_for(const Txt2ImgOptions& options, const std::string& checkpoint,
                       const DefaultPlaces& places) {
  if (!options.config.empty()) return given_config(options.config);
  const fs::path beside = fs::path(checkpoint).replace_extension(".yaml");
  if (!options.ckpt.empty() && is_there(beside)) {
    notice("config: " + beside.string() + " (beside the checkpoint)");
    return beside.string();
  }
  return data_file(places.config).string();
}

}  // namespace

ChosenModel choose_model(const Txt2ImgOptions& options) {
  const DefaultPlaces& places = options.laion400m ? kLaion400m : kStableDiffusion;
  ChosenModel chosen;
  chosen.paths.weights = options.weights;
  if (!options.ckpt.empty()) {
    if (!is_there(options.ckpt)) {
      throw Error(ErrorKind::kFile, "there is no checkpoint " + printable(options.ckpt),
                  "check the path after --ckpt");
    }
    chosen.paths.checkpoint = options.ckpt;
  } else {
    chosen.paths.checkpoint = find_default(places.checkpoint);
  }
  if (chosen.paths.checkpoint.empty() && !options.laion400m && options.config.empty()) {
    const fs::path built_in = find_data_file(kBuiltInCheckpoint);
    if (!built_in.empty()) {
      chosen.paths.checkpoint = built_in.string();
      chosen.paths.config = data_file(kBuiltInConfig).string();
      chosen.built_in = true;
      notice(std::string("model: the small one that comes with this program (put Stable Diffusion "
                         "v1 at ") +
             places.checkpoint + ", or name it with --ckpt)");
    }
  }
  if (chosen.paths.checkpoint.empty()) {
    throw Error(ErrorKind::kFile, std::string("there is no checkpoint at ") + places.checkpoint,
                "put the model there, or name it with --ckpt");
  }
  if (!chosen.built_in) {
    chosen.paths.config = config_for(options, chosen.paths.checkpoint, places);
  }
  chosen.description = describe_model(chosen.paths.config);
  return chosen;
}

}  // namespace sd
