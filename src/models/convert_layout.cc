#include "models/convert_layout.h"

#include <ATen/ATen.h>

#include <map>
#include <memory>

#include "base/new_file.h"
#include "base/strings.h"
#include "models/latent_diffusion.h"
#include "models/schemas/schemas.h"
#include "models/stored_schedule.h"
#include "sd/error.h"
#include "weights/name_maps/name_maps.h"
#include "weights/weight_view.h"
#include "weights/weights_file.h"

namespace sd::models {
namespace fs = std::filesystem;
namespace {

/// A weight, and the part that it is of.
struct Weight {
  const weights::PartSource* part;
  std::string name;  ///< of the reference
  std::vector<int64_t> shape;
};

const weights::PartSource* part_of(const ModelSource& source, const std::string& name) {
  for (const weights::PartSource* part : {&source.text, &source.unet, &source.coder}) {
    if (name.starts_with(part->scope + ".")) return part;
  }
  throw Error(ErrorKind::kInternal, name + " is of no part of the model");
}

/// The part alone, by the reference's whole names.
weights::WeightView view_of(const weights::PartSource& part,
                            std::shared_ptr<weights::LoadReport> report) {
  weights::PartSource whole = part;
  whole.scope.clear();
  return {std::move(whole), std::move(report)};
}

/// Throws kCheckpoint, with their names, for weights of a part that cannot be written.
void require_weights(const weights::PartSource& part, const std::vector<Weight>& all) {
  const auto report = weights::WeightView::make_report(part.file->path(), *part.file);
  const weights::WeightView view = view_of(part, report).on(at::kMeta);  // no value is read
  for (const Weight& weight : all) {
    if (weight.part == &part) view.get(weight.name, weight.shape);
  }
  report->throw_if_failed();
}

/// All weights that the networks need.
std::vector<Weight> weights_of(const ModelSource& source) {
  std::vector<Weight> all;
  for (const auto& [name, shape] : wanted_tensors(source.config)) {
    all.push_back({part_of(source, name), name, shape});
  }
  for (const weights::PartSource* part : {&source.text, &source.unet, &source.coder}) {
    require_weights(*part, all);
  }
  return all;
}

/// The config with the scale factor that pictures are drawn with, which the checkpoint may have
/// beside its networks.
ModelConfig config_to_write(const ModelSource& source) {
  ModelConfig config = source.config;
  const weights::PartSource& whole = source.whole;
  const auto report = weights::WeightView::make_report(whole.file->path(), *whole.file);
  config.scale_factor = load_scale_factor(weights::WeightView(whole, report), config);
  config.scale_by_std = false;
  report->throw_if_failed();
  return config;
}

/// The weight under another name and in another shape of as many values.
weights::TensorToWrite written(const Weight& weight, const std::string& name,
                               std::vector<int64_t> shape, const weights::ConvertOptions& options) {
  const weights::TensorInfo* info = weight.part->file->find(weight.part->name_in_file(weight.name));
  const at::ScalarType dtype =
      weights::written_dtype(info->dtype, weight.part->is_edited(weight.name), options.dtype);
  return {name, dtype, std::move(shape), [weight, dtype](char* bytes) {
            const weights::PartSource& part = *weight.part;
            const auto report = weights::WeightView::make_report(part.file->path(), *part.file);
            const at::Tensor values = view_of(part, report).get(weight.name, weight.shape);
            weights::fill_weight(weight.name, values, dtype, bytes);
          }};
}

void count(const std::vector<weights::TensorToWrite>& tensors, weights::ConvertResult* result) {
  result->tensors += std::ssize(tensors);
  for (const weights::TensorToWrite& tensor : tensors) result->bytes += tensor.bytes();
}

void require_free(const fs::path& path) {
  if (!name_is_taken(path)) return;
  throw Error(ErrorKind::kFile, printable(path.string()) + " is already there",
              "choose another name, or remove it");
}

void make_folder(const fs::path& path) {
  make_folders(path, "choose a place that can be written to");
}

void write_text(const fs::path& path, const std::string& text) {
  make_folder(fs::absolute(path).parent_path());
  NewFile file(path);
  file.write(text);
  if (!file.finish()) require_free(path);
}

/// Whether the program takes it for Stable Diffusion v1 without a config.
bool is_usual(const ModelConfig& config) {
  ModelConfig v1;  // configs/stable-diffusion/v1-inference.yaml
  v1.linear_start = 0.00085;
  v1.linear_end = 0.012;
  v1.scale_factor = 0.18215;
  ModelConfig same = config;
  same.predicts_v = same.zero_snr = false;  // the file itself says that
  return yaml_of(same, "") == yaml_of(v1, "") &&
         clip_json(config.clip_text) == clip_json(ClipTextConfig());
}

/// The texts that lie beside a model in one file, by their paths; none where it needs none.
std::map<fs::path, std::string> configs_beside(const ModelConfig& config, const fs::path& path) {
  if (is_usual(config)) return {};
  std::map<fs::path, std::string> texts;
  std::string clip = "openai/clip-vit-large-patch14";
  if (clip_json(config.clip_text) != clip_json(ClipTextConfig())) {
    clip = path.stem().string() + "-clip";
    texts[path.parent_path() / clip / "config.json"] = clip_json(config.clip_text);
  }
  texts[fs::path(path).replace_extension(".yaml")] = yaml_of(config, clip);
  return texts;
}

/// The files of a diffusers folder.
struct FolderParts {
  std::vector<weights::TensorToWrite> unet, vae, text;
};

FolderParts folder_parts(const ModelSource& source, const weights::ConvertOptions& options) {
  const ModelConfig& config = source.config;
  const auto levels = std::ssize(config.first_stage.ch_mult);
  FolderParts parts;
  for (const Weight& weight : weights_of(source)) {
    std::vector<int64_t> shape = weight.shape;
    if (weight.part == &source.unet) {
      parts.unet.push_back(
          written(weight, weights::diffusers_unet_name(weight.name, config.unet.num_res_blocks),
                  shape, options));
    } else if (weight.part == &source.text) {
      parts.text.push_back(
          written(weight, weights::diffusers_text_name(weight.name), shape, options));
    } else {
      const std::string name = weights::diffusers_vae_name(weight.name, levels);
      // Its attention has linear maps where the reference has convolutions of 1x1.
      if (name.find(".attentions.") != std::string::npos && shape.size() == 4) shape.resize(2);
      parts.vae.push_back(written(weight, name, shape, options));
    }
  }
  return parts;
}

void write_part(const fs::path& path, const std::vector<weights::TensorToWrite>& tensors,
                weights::ConvertResult* result) {
  make_folder(path.parent_path());
  weights::write_safetensors(path.string(), tensors);
  count(tensors, result);
}

}  // namespace

weights::ConvertResult write_one_file(const ModelSource& source, const std::string& path,
                                      const weights::ConvertOptions& options) {
  weights::require_new_weights_file(path);
  const auto configs = configs_beside(config_to_write(source), path);
  for (const auto& [beside, text] : configs) require_free(beside);
  std::vector<weights::TensorToWrite> tensors;
  for (const Weight& weight : weights_of(source)) {
    tensors.push_back(written(weight, weight.name, weight.shape, options));
  }
  const auto mark = [&](const char* key) {  // what other programs look for
    tensors.push_back({key, at::kFloat, {0}, [](char*) {}});
  };
  if (source.config.predicts_v) mark("v_pred");
  if (source.config.zero_snr) mark("ztsnr");
  weights::write_weights_file(path, tensors, 0);
  for (const auto& [beside, text] : configs) write_text(beside, text);
  weights::ConvertResult result;
  count(tensors, &result);
  return result;
}

weights::ConvertResult write_diffusers_folder(const ModelSource& source, const fs::path& folder,
                                              const weights::ConvertOptions& options) {
  require_free(folder);
  const DiffusersConfigs configs = diffusers_configs(config_to_write(source));
  const FolderParts parts = folder_parts(source, options);  // throws before anything is made
  weights::ConvertResult result;
  write_part(folder / "unet/diffusion_pytorch_model.safetensors", parts.unet, &result);
  write_part(folder / "vae/diffusion_pytorch_model.safetensors", parts.vae, &result);
  write_part(folder / "text_encoder/model.safetensors", parts.text, &result);
  for (const auto& [name, json] : configs) write_text(folder / name, json);
  return result;
}

}  // namespace sd::models
