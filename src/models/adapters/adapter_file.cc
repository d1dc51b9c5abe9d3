#include "models/adapters/adapter_file.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/strings.h"
#include "models/adapters/peft_scales.h"
#include "models/families.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr std::string_view kBundled = "bundle_emb.";

/// The name of an embedding that is stored beside the layers; "" for another tensor.
std::string embedding_name(const std::string& tensor) {
  if (tensor.starts_with(kBundled)) {
    const size_t end = tensor.find(".string_to_param", kBundled.size());
    return tensor.substr(kBundled.size(), end == std::string::npos ? end : end - kBundled.size());
  }
  const bool is_token = tensor.size() > 2 && tensor.front() == '<' && tensor.back() == '>';
  return is_token ? tensor.substr(1, tensor.size() - 2) : "";
}

/// A list of [up, down, up, down, …], as cloneofsimo's trainer wrote it in a pickle: its places are
/// the names.
bool is_list(const Checkpoint& checkpoint) {
  return checkpoint.find("0") != nullptr && checkpoint.find("1") != nullptr &&
         checkpoint.index().size() % 2 == 0;
}

void add_of_list(const std::string& name, const at::Tensor& tensor, AdapterFile* file) {
  size_t place = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), place);
  if (error != std::errc() || end != name.data() + name.size()) {
    file->strange.push_back(name);
    return;
  }
  file->layers["list:" + std::to_string(place / 2)].add(
      place % 2 == 0 ? AdapterRole::kUp : AdapterRole::kDown, tensor);
}

/// What else a file without a layer of an adapter's is.
[[noreturn]] void refuse(const Checkpoint& checkpoint) {
  const Family* family =
      find_family([&](std::string_view prefix) { return checkpoint.has_prefix(prefix); });
  const bool is_model = family != nullptr && family->text != nullptr;
  const std::string found = is_model            ? "a whole model"
                            : family != nullptr ? std::string(family->what)
                                                : "none of the names that adapters have";
  throw Error(ErrorKind::kCheckpoint,
              printable(checkpoint.path()) + ": expected an adapter (LoRA), found " + found,
              is_model ? "give it with `ckpt`" : "`sd inspect` shows what the file holds");
}

}  // namespace

std::string AdapterFile::metadata(const std::string& name) const {
  const auto& all = checkpoint->contents().metadata;
  const auto found = all.find(name);
  return found == all.end() ? "" : found->second;
}

std::string AdapterFile::name() const { return std::filesystem::path(path()).filename().string(); }

bool may_be_adapter(const std::vector<TensorInfo>& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const TensorInfo& info) {
    return info.name == "0" || split_adapter_key(info.name);  // "0": the first of a list
  });
}

AdapterFile sort_adapter(std::shared_ptr<const Checkpoint> checkpoint) {
  AdapterFile file;
  file.checkpoint = std::move(checkpoint);
  const bool list = is_list(*file.checkpoint);
  for (const TensorInfo& info : file.checkpoint->index()) {
    if (!info.foreign.empty()) {
      file.strange.push_back(info.name);
      continue;
    }
    const at::Tensor tensor = file.checkpoint->tensor(info);
    if (list) {
      add_of_list(info.name, tensor, &file);
    } else if (const std::string name = embedding_name(info.name); !name.empty()) {
      file.embeddings.emplace(name, tensor);
    } else if (const auto key = split_adapter_key(info.name)) {
      file.layers[key->layer].add(key->role, tensor);
    } else {
      file.strange.push_back(info.name);
    }
  }
  std::erase_if(file.layers, [&](const auto& layer) {
    const bool is_lone = layer.second.all().size() == 1 && layer.second.has(AdapterRole::kIa3);
    if (is_lone) file.strange.push_back(layer.first + ".weight");  // any network has such names
    return is_lone;
  });
  add_peft_scales(&file);
  return file;
}

AdapterFile read_adapter(const std::string& path) {
  AdapterFile file = sort_adapter(open_checkpoint(path));
  if (file.layers.empty()) refuse(*file.checkpoint);
  return file;
}

}  // namespace sd
