// Any bytes that are a safetensors file are an adapter whose layers can be computed, or an error
// that says why not.
#include <ATen/ATen.h>

#include <cstring>
#include <map>

#include "base/log.h"
#include "models/adapters/adapter.h"
#include "support/fuzz.h"
#include "weights/formats/safetensors.h"

namespace {

/// A model of one block, 8 channels wide.
const sd::models::LayerNames& names() {
  static const sd::models::LayerNames all([] {
    sd::models::ModelConfig config;
    config.unet = {.model_channels = 8,
                   .num_res_blocks = 1,
                   .attention_resolutions = {1},
                   .channel_mult = {1},
                   .num_heads = 1,
                   .context_dim = 4,
                   .num_groups = 4};
    config.first_stage = {.ch = 8, .ch_mult = {1}, .num_res_blocks = 1, .num_groups = 4};
    config.clip_text = {
        .hidden_size = 4, .intermediate_size = 8, .num_hidden_layers = 1, .num_attention_heads = 1};
    return config;
  }());
  return all;
}

std::map<std::string, at::Tensor> tensors_of(std::string_view file) {
  std::map<std::string, at::Tensor> tensors;
  for (const sd::weights::TensorInfo& info : sd::weights::read_safetensors(file).tensors) {
    if (!info.foreign.empty()) continue;
    at::Tensor tensor = at::empty(info.shape, at::TensorOptions(info.dtype));
    sd::test::require(tensor.nbytes() == info.bytes, "another size");
    if (info.bytes > 0) std::memcpy(tensor.mutable_data_ptr(), &file[info.offset], info.bytes);
    tensors.emplace(info.name, tensor);
  }
  return tensors;
}

void apply_all(const std::shared_ptr<const sd::models::Adapter>& adapter) {
  const sd::weights::WeightEdit edit = sd::models::adapter_edit(adapter, {});
  for (const sd::models::Adapter::Module& module : adapter->modules()) {
    const std::string name = module.layer.name + ".weight";
    if (!edit.touches(name)) continue;
    const at::Tensor weight = at::ones(module.layer.weight);
    sd::test::require(edit.apply(name, weight).sizes() == weight.sizes(), "another shape");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sd::set_verbosity(sd::Verbosity::kQuiet);
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  sd::test::expect_error_kinds({sd::ErrorKind::kCheckpoint}, [&] {
    if (!sd::weights::is_safetensors(file)) return;
    const auto tensors = tensors_of(file);
    if (tensors.empty()) return;
    sd::models::AdapterFile adapter =
        sd::models::sort_adapter(std::make_shared<const sd::weights::Checkpoint>("fuzz", tensors));
    apply_all(std::make_shared<const sd::models::Adapter>(std::move(adapter), names()));
  });
  return 0;
}
