#include <algorithm>
#include <map>
#include <set>

#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "models/layouts/layouts.h"
#include "models/schemas/schemas.h"
#include "sd/error.h"
#include "weights/name_maps/name_maps.h"

namespace sd {
namespace fs = std::filesystem;
namespace {

constexpr const char* kWeights = "diffusion_pytorch_model";
constexpr const char* kHint = "give a folder that diffusers' save_pretrained wrote, or one file";

[[noreturn]] void fail(const fs::path& where, const std::string& what) {
  throw Error(ErrorKind::kCheckpoint, printable(where.string()) + ": " + what, kHint);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// The weights of a part in one file: safetensors before pickles, full precision before float16.
fs::path find_weights(const fs::path& folder, const std::string& stem, const std::string& bin) {
  for (const char* variant : {"", ".fp16", ".non_ema"}) {
    const fs::path safe = folder / (stem + variant + ".safetensors");
    const fs::path pickle = folder / (bin + variant + ".bin");
    if (is_file(safe)) return safe;
    if (is_file(pickle)) return pickle;
  }
  return {};
}

/// The index of a part in several files; both orders of its name's parts are in use.
fs::path find_index(const fs::path& folder, const std::string& stem, const std::string& bin) {
  for (const std::string& file : {stem + ".safetensors", bin + ".bin"}) {
    for (const char* name : {"%s.index.json", "%s.index.fp16.json", "%s.fp16.index.json"}) {
      std::string index = name;
      index.replace(index.find("%s"), 2, file);
      if (is_file(folder / index)) return folder / index;
    }
  }
  return {};
}

/// The files that an index names. Each must lie in the folder itself.
std::set<std::string> shard_names(const fs::path& index) {
  constexpr size_t kMostBytes = size_t{4} << 20;
  constexpr size_t kMostShards = 256;
  std::string problem;
  const auto text = read_text_file(index, kMostBytes, &problem);
  const nlohmann::json json = parse_json(text && text->size() <= kMostBytes ? *text : "");
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object() || map->empty()) {
    fail(index, "expected a weight_map of tensors to files, found none");
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : map->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    if (name.empty() || name == "." || name == ".." || fs::path(name).filename() != name) {
      fail(index, "expected names of files beside it, found \"" + printable(name, 60) + "\"");
    }
    names.insert(name);
  }
  if (names.size() > kMostShards) fail(index, "expected at most 256 files, found more");
  return names;
}

/// The weights of a part of the folder, in one file or several.
std::shared_ptr<const Checkpoint> open_part(const fs::path& folder, const std::string& stem,
                                            const std::string& bin) {
  if (const fs::path file = find_weights(folder, stem, bin); !file.empty()) {
    return open_checkpoint(file.string());
  }
  const fs::path index = find_index(folder, stem, bin);
  if (index.empty())
    fail(folder, "expected " + stem + ".safetensors or " + bin + ".bin, found none");
  std::vector<std::shared_ptr<const Checkpoint>> shards;
  for (const std::string& name : shard_names(index)) {
    shards.push_back(open_checkpoint((folder / name).string()));
  }
  return std::make_shared<const Checkpoint>(folder.string(), std::move(shards));
}

bool is_folder(const ModelPaths& paths) {
  std::error_code ignored;
  return fs::is_directory(paths.checkpoint, ignored);
}

ModelConfig read_config(const ModelPaths& paths) {
  if (!paths.config.empty()) return read_model_config(paths.config);
  const fs::path folder = paths.checkpoint;
  for (const char* part : {"unet", "vae", "text_encoder"}) {
    if (!is_file(folder / part / "config.json")) {
      fail(folder,
           std::string("expected a config.json in unet, vae and text_encoder, found none in ") +
               part);
    }
  }
  return read_diffusers_config(folder);
}

/// That of the UNet, or the index of its files.
std::string main_file(const ModelPaths& paths) {
  const fs::path unet = fs::path(paths.checkpoint) / "unet";
  const fs::path file = find_weights(unet, kWeights, kWeights);
  return (file.empty() ? find_index(unet, kWeights, kWeights) : file).string();
}

ModelSource open_folder(const ModelPaths& paths, const ModelConfig& config) {
  const fs::path folder = paths.checkpoint;
  if (paths.weights == WeightChoice::kEma || config.text_family != TextFamily::kClip) {
    throw Error(ErrorKind::kCheckpoint,
                printable(folder.string()) +
                    ": expected averaged weights or BERT in one file, found a diffusers folder",
                "leave --weights ema out");
  }
  const auto unet = open_part(folder / "unet", kWeights, kWeights);
  const auto vae = open_part(folder / "vae", kWeights, kWeights);
  const auto text = open_part(folder / "text_encoder", "model", "pytorch_model");
  const auto levels = std::ssize(config.first_stage.ch_mult);
  const bool old_vae = vae->has_prefix("decoder.mid_block.attentions.0.query.");
  return {
      .path = folder.string(),
      .config = config,
      .ema = false,
      .text = {.file = text, .scope = "cond_stage_model", .names = diffusers_text_name},
      .unet = {.file = unet,
               .scope = "model.diffusion_model",
               .names = [blocks = config.unet.num_res_blocks](
                            std::string_view name) { return diffusers_unet_name(name, blocks); }},
      .coder = {.file = vae,
                .scope = "first_stage_model",
                .names =
                    [levels, old_vae](std::string_view name) {
                      return old_vae ? old_diffusers_vae_name(name, levels)
                                     : diffusers_vae_name(name, levels);
                    }},
      .whole = {.file = unet, .names = [](std::string_view) { return std::string(); }}};
}

}  // namespace

const Layout kDiffusersFolderLayout = {"diffusers folder", is_folder, read_config, open_folder,
                                       main_file};

}  // namespace sd
