#include "models/model_source.h"

#include <ATen/ATen.h>

#include <map>

#include "models/layouts/layouts.h"
#include "sd/error.h"

namespace sd {
namespace {

/// Asked in this order; the last takes everything.
constexpr const Layout* kLayouts[] = {&kDiffusersFolderLayout, &kOneFileLayout};

const Layout& layout_of(const ModelPaths& paths) {
  for (const Layout* layout : kLayouts) {
    if (layout->recognise(paths)) return *layout;
  }
  throw Error(ErrorKind::kInternal, "no layout takes every path");
}

}  // namespace

at::ScalarType ModelSource::stored_type() const {
  // The first convolution of a UNet is where its type is looked up.
  const TensorInfo* first =
      unet.file->find(unet.name_in_file(unet.scope + ".input_blocks.0.0.weight"));
  return first == nullptr ? at::kFloat : first->dtype;
}

void ModelSource::release_memory() const {
  for (const PartSource* part : {&text, &unet, &coder}) part->file->release_memory();
}

ModelConfig config_of(const ModelPaths& paths) { return layout_of(paths).read_config(paths); }

ModelSource open_model(const ModelPaths& paths, std::shared_ptr<const ModelConfig> config) {
  if (config == nullptr) config = std::make_shared<const ModelConfig>(config_of(paths));
  return layout_of(paths).open(paths, *config);
}

std::string main_file_of(const ModelPaths& paths) { return layout_of(paths).main_file(paths); }

ModelSource shapes_of(const ModelConfig& config) {
  const std::map<std::string, at::Tensor> none;
  return one_file_source(std::make_shared<const Checkpoint>("the config", none), config,
                         WeightChoice::kPlain);
}

}  // namespace sd
