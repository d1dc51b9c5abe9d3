#include "models/model_source.h"

#include <ATen/ATen.h>

#include <map>

#include "models/layouts/layouts.h"
#include "models/layouts/vae.h"
#include "sd/error.h"

namespace sd::models {
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

at::ScalarType ModelSource::stored_type(const weights::PartSource& part) const {
  // A first convolution, or the text encoder's places, are where a part's type is looked up.
  for (const char* leaf : {".input_blocks.0.0.weight", ".decoder.conv_in.weight",
                           ".transformer.text_model.embeddings.position_embedding.weight"}) {
    const weights::TensorInfo* first = part.file->find(part.name_in_file(part.scope + leaf));
    if (first != nullptr) return first->dtype;
  }
  return part.scope == unet.scope ? at::kFloat : stored_type(unet);
}

void ModelSource::release_memory() const {
  for (const weights::PartSource* part : {&text, &unet, &coder}) part->file->release_memory();
}

ModelConfig config_of(const ModelPaths& paths) { return layout_of(paths).read_config(paths); }

ModelSource open_model(const ModelPaths& paths, std::shared_ptr<const ModelConfig> config) {
  if (config == nullptr) config = std::make_shared<const ModelConfig>(config_of(paths));
  ModelSource source = layout_of(paths).open(paths, *config);
  if (!paths.vae.empty()) take_vae(paths.vae, &source);
  return source;
}

std::string main_file_of(const ModelPaths& paths) { return layout_of(paths).main_file(paths); }

std::vector<ModelFile> other_files_of(const ModelPaths& paths) {
  return layout_of(paths).other_files(paths);
}

ModelSource shapes_of(const ModelConfig& config) {
  const std::map<std::string, at::Tensor> none;
  return one_file_source(std::make_shared<const weights::Checkpoint>("the config", none), config,
                         WeightChoice::kPlain);
}

}  // namespace sd::models
