#include "safety/safety_config.h"

#include <algorithm>
#include <cmath>

#include "models/json_config.h"

namespace sd::safety {
namespace fs = std::filesystem;
namespace {

// No vision tower is near these; what lies above would only ask for absurd memory.
constexpr int64_t kWidest = 16384;
constexpr int64_t kMostLayers = 256;
constexpr int64_t kLargestSide = 4096;

/// The config.json of a safety checker. `vision_config_dict` is the older form of `vision_config`
/// and wins, as in transformers.
void read_network(const fs::path& path, SafetyConfig* config) {
  const models::JsonConfig json(path, "it must be the config.json of the safety checker");
  if (!json.is_object("vision_config") && !json.is_object("vision_config_dict")) {
    json.fail("expected an object vision_config, found none");
  }
  const models::JsonConfig vision = json.merged({"vision_config", "vision_config_dict"});
  // Hugging Face's own defaults where a key is left out.
  config->vision.hidden_size = vision.integer("hidden_size", 768, kWidest);
  config->vision.intermediate_size = vision.integer("intermediate_size", 3072, 4 * kWidest);
  config->vision.num_hidden_layers = vision.integer("num_hidden_layers", 12, kMostLayers);
  config->vision.num_attention_heads = vision.integer("num_attention_heads", 12, kWidest);
  config->vision.image_size = vision.integer("image_size", 224, kLargestSide);
  config->vision.patch_size = vision.integer("patch_size", 32, config->vision.image_size);
  config->vision.hidden_act = vision.text("hidden_act", "quick_gelu", {"quick_gelu", "gelu"});
  vision.only("layer_norm_eps", 1e-5);
  vision.only("num_channels", 3);
  config->projection_dim = json.integer("projection_dim", 512, kWidest);
  if (config->vision.hidden_size % config->vision.num_attention_heads != 0) {
    vision.fail("hidden_size is not a multiple of num_attention_heads");
  }
}

/// A side in pixels: a number, or the object that later versions of transformers write.
int64_t read_side(const models::JsonConfig& json, const char* key, int64_t fallback) {
  if (!json.is_object(key)) return json.integer(key, fallback, kLargestSide);
  const models::JsonConfig sides = json.merged({key});
  if (sides.has("shortest_edge")) return sides.integer("shortest_edge", fallback, kLargestSide);
  const int64_t side = sides.integer("height", fallback, kLargestSide);
  if (sides.integer("width", fallback, kLargestSide) != side) {
    json.fail(std::string(key) + " must have one height and width");
  }
  return side;
}

std::array<float, 3> read_channels(const models::JsonConfig& json, const char* key,
                                   const std::array<float, 3>& fallback) {
  const std::vector<double> read = json.numbers(key, {fallback.begin(), fallback.end()});
  std::array<float, 3> values;
  std::transform(read.begin(), read.end(), values.begin(),
                 [](double value) { return static_cast<float>(value); });
  return values;
}

/// The preprocessor_config.json of transformers' CLIPFeatureExtractor (or CLIPImageProcessor).
void read_input(const fs::path& path, ClipInputConfig* config) {
  const models::JsonConfig json(path,
                                "it must be the preprocessor_config.json of the safety checker");
  for (const char* key : {"do_resize", "do_center_crop", "do_rescale", "do_normalize"}) {
    json.only(key, true);
  }
  constexpr int kPilBicubic = 3;
  json.only("resample", kPilBicubic);
  json.only("rescale_factor", 1.0 / 255.0);
  config->size = static_cast<int>(read_side(json, "size", config->size));
  config->crop_size = static_cast<int>(read_side(json, "crop_size", config->crop_size));
  if (config->crop_size > config->size) json.fail("crop_size must be at most size");
  config->image_mean = read_channels(json, "image_mean", config->image_mean);
  config->image_std = read_channels(json, "image_std", config->image_std);
  for (const float deviation : config->image_std) {
    if (!(deviation > 0)) json.fail("image_std must be above 0");
  }
}

}  // namespace

SafetyConfig read_safety_config(const fs::path& weights) {
  SafetyConfig config;
  const fs::path network = weights.parent_path() / "config.json";
  const fs::path input = weights.parent_path() / "preprocessor_config.json";
  std::error_code ignored;
  if (fs::exists(network, ignored)) read_network(network, &config);
  config.input.size = config.input.crop_size = static_cast<int>(config.vision.image_size);
  if (fs::exists(input, ignored)) read_input(input, &config.input);
  if (config.input.crop_size != config.vision.image_size) {
    models::JsonConfig(input, "the two files must belong together")
        .fail("crop_size must be the network's image_size, " +
              std::to_string(config.vision.image_size) + ", found " +
              std::to_string(config.input.crop_size));
  }
  return config;
}

}  // namespace sd::safety
