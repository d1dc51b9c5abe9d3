#include "models/adapters/adapter_file.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <optional>

#include "base/strings.h"
#include "models/adapters/peft_scales.h"
#include "models/file_class.h"
#include "sd/error.h"

namespace sd::models {
namespace {

constexpr std::string_view kBundled = "bundle_emb.";

/// How the name of a bundled embedding's tensor goes on: the web UI's, OneTrainer's.
constexpr std::string_view kBundledEnds[] = {".string_to_param", ".clip_l"};
/// (Another encoder's, and vectors behind the encoder.)
constexpr std::string_view kOtherEncoders[] = {".clip_g", ".clip_g_out", ".clip_l_out"};

/// The name of an embedding that is stored beside the layers; "" for another tensor.
std::string embedding_name(const std::string& tensor) {
  if (tensor.starts_with(kBundled)) {
    const std::string rest = tensor.substr(kBundled.size());
    for (const std::string_view end : kOtherEncoders) {
      if (rest.ends_with(end)) return "";
    }
    for (const std::string_view end : kBundledEnds) {
      if (const size_t at = rest.find(end); at != std::string::npos) return rest.substr(0, at);
    }
    return rest;
  }
  const bool is_token = tensor.size() > 2 && tensor.front() == '<' && tensor.back() == '>';
  return is_token ? tensor.substr(1, tensor.size() - 2) : "";
}

/// A list of [up, down, up, down, …], as cloneofsimo's trainer wrote it in a pickle: its places are
/// the names.
bool is_list(const weights::Checkpoint& checkpoint) {
  return checkpoint.find("0") != nullptr && checkpoint.find("1") != nullptr &&
         checkpoint.index().size() % 2 == 0;
}

std::optional<AdapterKey> key_of_list(const std::string& name) {
  size_t place = 0;
  std::from_chars(name.data(), name.data() + name.size(), place);
  if (std::to_string(place) != name) return std::nullopt;
  return AdapterKey{"list:" + std::to_string(place / 2),
                    place % 2 == 0 ? AdapterRole::kUp : AdapterRole::kDown};
}

/// Any network has names that end in ".weight"; IA3's have a name with ".on_input" beside them.
bool is_of_any_network(const AdapterKey& key, const std::string& name,
                       const std::function<bool(const std::string& name)>& has) {
  constexpr std::string_view kWeight = ".weight";
  return key.role == AdapterRole::kIa3 &&
         !has(name.substr(0, name.size() - kWeight.size()) + ".on_input");
}

/// (PEFT keeps the parts of an embedding on their sides: [rank, words] and [width, rank].)
at::Tensor upright(const weights::TensorInfo& info, const at::Tensor& stored) {
  const bool on_side = info.name.find(".lora_embedding_") != std::string::npos;
  return on_side && stored.dim() == 2 ? stored.t() : stored;
}

void add_layer(const AdapterKey& key, const weights::TensorInfo& info, AdapterFile* file) {
  AdapterParts& parts = file->layers[key.layer];
  if (parts.has(key.role)) {
    file->second.push_back(info.name);
  } else {
    parts.add(key.role, upright(info, file->checkpoint->tensor(info)));
  }
}

/// The names tell PEFT's OFT from OneTrainer's.
void add_oft_ways(AdapterFile* file) {
  for (auto& [layer, parts] : file->layers) {
    const bool of_peft = layer.find("base_model.") != std::string::npos;
    if (!parts.has(AdapterRole::kPeftOft) || of_peft) continue;
    parts.add(AdapterRole::kOftWeights, at::scalar_tensor(1.0));
  }
}

void add_embedding(const std::string& name, const weights::TensorInfo& info, AdapterFile* file) {
  const bool is_first = file->embeddings.emplace(name, file->checkpoint->tensor(info)).second;
  if (!is_first) file->second.push_back(info.name);
}

/// Of two tensors for one thing nobody can say which counts.
void refuse_second(const AdapterFile& file) {
  if (file.second.empty()) return;
  throw Error(ErrorKind::kCheckpoint,
              printable(file.path()) +
                  ": expected one tensor for each part of a layer, found a second one under " +
                  printable(file.second.front()),
              "the file is of two adapters: save each in a file of its own");
}

void refuse_faults(const AdapterFile& file) {
  if (file.faults.empty()) return;
  throw Error(ErrorKind::kCheckpoint, printable(file.path()) + ": " + file.faults.front(),
              "save it with PEFT again, merged or as a plain LoRA");
}

/// Adapters that only other programs compute, by a part of their names.
struct OtherKind {
  std::string_view part;
  const char* name;
};

constexpr OtherKind kOtherKinds[] = {
    {".vera_lambda_", "VeRA"},  {".fourierft_spectrum", "FourierFT"},
    {".hra_u", "HRA"},          {".vblora_logits_", "VB-LoRA"},
    {".bone_", "Bone"},         {".miss_block", "MiSS"},
    {".shira_weight", "SHiRA"}, {".c3a_kernel", "C3A"},
    {".randlora_", "RandLoRA"}, {".road_theta", "RoAd"},
    {".delora_", "DeLoRA"},     {".waveft_", "WaveFT"},
    {".lora_diag", "KaSA"},     {".prompt_encoder", "prompt tuning"}};

/// "PEFT's VeRA"; "" where no name tells.
std::string other_kind(const weights::Checkpoint& checkpoint) {
  for (const OtherKind& kind : kOtherKinds) {
    for (const weights::TensorInfo& info : checkpoint.index()) {
      if (info.name.find(kind.part) != std::string::npos) return std::string("PEFT's ") + kind.name;
    }
  }
  return "";
}

/// What else a file is that has no layer of an adapter's, or that only other programs compute.
[[noreturn]] void refuse(const weights::Checkpoint& checkpoint) {
  const FileClass found = classify(checkpoint, FileUse::kAdapter);
  const std::string other = other_kind(checkpoint);
  throw Error(ErrorKind::kCheckpoint,
              printable(checkpoint.path()) + ": expected an adapter (LoRA), found " +
                  (other.empty() ? found.what : other + ", which this program does not compute"),
              other.empty() ? found.way : "merge it into a model with PEFT, or take a LoRA");
}

}  // namespace

std::string AdapterFile::metadata(const std::string& name) const {
  const auto& all = checkpoint->contents().metadata;
  const auto found = all.find(name);
  return found == all.end() ? "" : found->second;
}

std::string AdapterFile::name() const { return std::filesystem::path(path()).filename().string(); }

bool may_be_adapter(const std::vector<weights::TensorInfo>& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const weights::TensorInfo& info) {
    if (info.name == "0") return true;  // the first of a list
    const auto key = split_adapter_key(info.name);
    return key && key->role != AdapterRole::kIa3;
  });
}

AdapterFile sort_adapter(std::shared_ptr<const weights::Checkpoint> checkpoint) {
  AdapterFile file;
  file.checkpoint = std::move(checkpoint);
  const bool list = is_list(*file.checkpoint);
  const auto has = [&](const std::string& name) { return file.checkpoint->find(name) != nullptr; };
  for (const weights::TensorInfo& info : file.checkpoint->index()) {
    const std::string embedding = list ? "" : embedding_name(info.name);
    const auto key = list ? key_of_list(info.name) : split_adapter_key(info.name);
    if (info.foreign.empty() && !embedding.empty()) {
      add_embedding(embedding, info, &file);
    } else if (info.foreign.empty() && key && !is_of_any_network(*key, info.name, has)) {
      add_layer(*key, info, &file);
    } else {
      file.strange.push_back(info.name);
    }
  }
  add_oft_ways(&file);
  add_peft_scales(&file);
  return file;
}

AdapterFile read_adapter(const std::string& path) {
  AdapterFile file = sort_adapter(weights::open_checkpoint(path));
  refuse_second(file);
  if (file.layers.empty() || !other_kind(*file.checkpoint).empty()) refuse(*file.checkpoint);
  refuse_faults(file);
  return file;
}

}  // namespace sd::models
