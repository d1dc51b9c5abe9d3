#include "models/convert_layout.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "base/new_file.h"
#include "base/strings.h"
#include "models/latent_diffusion.h"
#include "models/schemas/schemas.h"
#include "sd/error.h"
#include "weights/formats/writers.h"
#include "weights/name_maps/name_maps.h"

namespace sd {
namespace fs = std::filesystem;
namespace {

/// A weight, and the part that it is of.
struct Weight {
  const PartSource* part;
  std::string name;  ///< of the reference
  std::vector<int64_t> shape;
};

const PartSource* part_of(const ModelSource& source, const std::string& name) {
  for (const PartSource* part : {&source.text, &source.unet, &source.coder}) {
    if (name.starts_with(part->scope + ".")) return part;
  }
  throw Error(ErrorKind::kInternal, name + " is of no part of the model");
}

/// All weights that the networks need.
std::vector<Weight> weights_of(const ModelSource& source) {
  std::vector<Weight> all;
  for (const auto& [name, shape] : wanted_tensors(source.config)) {
    const PartSource* part = part_of(source, name);
    if (part->file->find(part->name_in_file(name)) == nullptr) {
      throw Error(ErrorKind::kCheckpoint,
                  printable(part->file->path()) + " has no " + part->name_in_file(name),
                  "`sd inspect` shows what it holds");
    }
    all.push_back({part, name, shape});
  }
  return all;
}

at::ScalarType written_dtype(const Weight& weight, const ConvertOptions& options) {
  if (options.dtype) return *options.dtype;
  const TensorInfo* info = weight.part->file->find(weight.part->name_in_file(weight.name));
  return info->dtype == at::kHalf ? at::kHalf : at::kFloat;
}

/// The weight under another name and in another shape of as many values.
TensorToWrite written(const Weight& weight, const std::string& name, std::vector<int64_t> shape,
                      const ConvertOptions& options) {
  const at::ScalarType dtype = written_dtype(weight, options);
  return {name, dtype, std::move(shape), [weight, dtype](char* bytes) {
            const auto report =
                WeightView::make_report(weight.part->file->path(), *weight.part->file);
            PartSource of = *weight.part;
            of.scope.clear();
            const at::Tensor exact = WeightView(of, report).get(weight.name, weight.shape);
            report->throw_if_failed();
            const at::Tensor values = exact.to(dtype).contiguous();
            if (at::isinf(values).any().item<bool>() && !at::isinf(exact).any().item<bool>()) {
              throw Error(ErrorKind::kCheckpoint,
                          weight.name + " holds values beyond half precision's 65504",
                          "leave `dtype` fp16 out");
            }
            std::memcpy(bytes, values.const_data_ptr(), values.nbytes());
          }};
}

void count(const std::vector<TensorToWrite>& tensors, ConvertResult* result) {
  result->tensors += std::ssize(tensors);
  for (const TensorToWrite& tensor : tensors) result->bytes += tensor.bytes();
}

void write_text(const fs::path& path, const std::string& text) {
  NewFile file(path);
  file.write(text);
  if (file.finish()) return;
  throw Error(ErrorKind::kFile, printable(path.string()) + " is already there",
              "choose another name, or remove the file");
}

/// Whether the program takes it for Stable Diffusion v1 without a config.
bool is_usual(const ModelConfig& config) {
  ModelConfig v1;  // configs/stable-diffusion/v1-inference.yaml
  v1.linear_start = 0.00085;
  v1.linear_end = 0.012;
  v1.scale_factor = 0.18215;
  ModelConfig same = config;
  same.predicts_v = false;  // the file itself says that
  return yaml_of(same, "") == yaml_of(v1, "") &&
         clip_json(config.clip_text) == clip_json(ClipTextConfig());
}

void write_config_beside(const ModelSource& source, const fs::path& path) {
  if (is_usual(source.config)) return;
  std::string clip = "openai/clip-vit-large-patch14";
  if (clip_json(source.config.clip_text) != clip_json(ClipTextConfig())) {
    clip = path.stem().string() + "-clip";
    fs::create_directories(path.parent_path() / clip);
    write_text(path.parent_path() / clip / "config.json", clip_json(source.config.clip_text));
  }
  write_text(fs::path(path).replace_extension(".yaml"), yaml_of(source.config, clip));
}

}  // namespace

ConvertResult write_one_file(const ModelSource& source, const std::string& path,
                             const ConvertOptions& options) {
  const std::string ending = fs::path(path).extension().string();
  std::vector<TensorToWrite> tensors;
  for (const Weight& weight : weights_of(source)) {
    tensors.push_back(written(weight, weight.name, weight.shape, options));
  }
  if (source.config.predicts_v) tensors.push_back({"v_pred", at::kFloat, {0}, [](char*) {}});
  ConvertResult result;
  count(tensors, &result);
  write_config_beside(source, path);
  if (ending == ".ckpt") {
    write_torch_checkpoint(path, tensors, 0);
  } else {
    write_safetensors(path, tensors);
  }
  return result;
}

ConvertResult write_diffusers_folder(const ModelSource& source, const fs::path& folder,
                                     const ConvertOptions& options) {
  if (name_is_taken(folder)) {
    throw Error(ErrorKind::kFile, printable(folder.string()) + " is already there",
                "choose another name, or remove the folder");
  }
  const ModelConfig& config = source.config;
  const DiffusersConfigs configs = diffusers_configs(config);  // throws before anything is made
  const auto levels = std::ssize(config.first_stage.ch_mult);
  std::vector<TensorToWrite> unet, vae, text;
  for (const Weight& weight : weights_of(source)) {
    std::vector<int64_t> shape = weight.shape;
    if (weight.part == &source.unet) {
      unet.push_back(written(weight, diffusers_unet_name(weight.name, config.unet.num_res_blocks),
                             shape, options));
    } else if (weight.part == &source.text) {
      text.push_back(written(weight, diffusers_text_name(weight.name), shape, options));
    } else {
      const std::string name = diffusers_vae_name(weight.name, levels);
      // Its attention has linear maps where the reference has convolutions of 1x1.
      if (name.find(".attentions.") != std::string::npos && shape.size() == 4) shape.resize(2);
      vae.push_back(written(weight, name, shape, options));
    }
  }
  ConvertResult result;
  for (const auto* part : {&unet, &vae, &text}) count(*part, &result);
  for (const auto& [name, json] : configs) {
    fs::create_directories((folder / name).parent_path());
    write_text(folder / name, json);
  }
  write_safetensors((folder / "unet/diffusion_pytorch_model.safetensors").string(), unet);
  write_safetensors((folder / "vae/diffusion_pytorch_model.safetensors").string(), vae);
  write_safetensors((folder / "text_encoder/model.safetensors").string(), text);
  return result;
}

}  // namespace sd
