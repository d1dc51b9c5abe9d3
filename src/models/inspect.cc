#include "models/inspect.h"

#include <algorithm>
#include <map>
#include <set>

#include "models/adapters/adapter_file.h"
#include "models/families.h"
#include "runtime/mapped_file.h"
#include "weights/checkpoint.h"
#include "weights/name_maps/name_maps.h"
#include "weights/sha256.h"

namespace sd::models {
namespace {

constexpr std::string_view kEma = "model_ema.";
constexpr std::string_view kAutoencoder = "first_stage_model.";
constexpr std::string_view kBertText = "cond_stage_model.transformer.attn_layers.";

constexpr std::string_view kSchedule[] = {
    "betas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
};

bool is_schedule(std::string_view name) {
  return std::find(std::begin(kSchedule), std::end(kSchedule), name) != std::end(kSchedule);
}

struct PartRow {
  std::string_view prefix;
  std::string_view name;
};

constexpr PartRow kParts[] = {
    {weights::kUnetPrefix, "unet"},        {kEma, "unet (averaged)"},
    {kAutoencoder, "autoencoder"},         {weights::kTextPrefix, "text encoder"},
    {"text_model.", "text encoder"},       {"vision_model.", "vision encoder"},
    {"encoder.", "autoencoder's encoder"}, {"decoder.", "autoencoder's decoder"},
};

PartRow part_of(std::string_view name) {
  if (is_schedule(name)) return {"", "schedule"};
  for (const PartRow& row : kParts) {
    if (name.starts_with(row.prefix)) return row;
  }
  return {"", "other"};
}

/// Looks names and shapes up in the index.
class Shapes {
 public:
  explicit Shapes(const std::vector<weights::TensorInfo>& tensors) {
    for (const weights::TensorInfo& info : tensors) by_name_.emplace(info.name, &info);
  }

  bool has_prefix(std::string_view prefix) const {
    const auto first = by_name_.lower_bound(prefix);
    return first != by_name_.end() && first->first.starts_with(prefix);
  }

  /// One size of the tensor of that name.
  std::optional<int64_t> size(const std::string& name, size_t dim) const {
    const auto found = by_name_.find(name);
    if (found == by_name_.end() || dim >= found->second->shape.size()) return std::nullopt;
    return found->second->shape[dim];
  }

  /// One size of the first tensor below `prefix` whose name ends with `suffix`.
  std::optional<int64_t> size_below(std::string_view prefix, std::string_view suffix,
                                    size_t dim) const {
    for (auto it = by_name_.lower_bound(prefix);
         it != by_name_.end() && it->first.starts_with(prefix); ++it) {
      if (it->first.ends_with(suffix)) return size(std::string(it->first), dim);
    }
    return std::nullopt;
  }

  /// How many different components follow `prefix` directly ("layers." → 12).
  std::optional<int64_t> children(std::string_view prefix) const {
    std::set<std::string_view> seen;
    for (auto it = by_name_.lower_bound(prefix);
         it != by_name_.end() && it->first.starts_with(prefix); ++it) {
      const std::string_view rest = it->first.substr(prefix.size());
      seen.insert(rest.substr(0, rest.find('.')));
    }
    if (seen.empty()) return std::nullopt;
    return static_cast<int64_t>(seen.size());
  }

 private:
  std::map<std::string_view, const weights::TensorInfo*> by_name_;
};

std::string family_name(const Shapes& shapes, const ModelDims& dims) {
  const Family* family =
      find_family([&](std::string_view prefix) { return shapes.has_prefix(prefix); });
  if (family == nullptr) return "unknown";
  // Inpainting models take the mask and the masked latent as five more channels.
  return std::string(family->name) + (dims.in_channels == 9 ? " inpainting" : "");
}

void read_text_dims(const Shapes& shapes, ModelDims* dims) {
  for (const char* prefix_text : {"cond_stage_model.transformer.text_model.",
                                  "cond_stage_model.transformer.", "text_model."}) {
    const std::string prefix = prefix_text;
    const std::string embedding = prefix + "embeddings.token_embedding.weight";
    if (!shapes.size(embedding, 0)) continue;
    dims->vocabulary = shapes.size(embedding, 0);
    dims->text_width = shapes.size(embedding, 1);
    dims->text_layers = shapes.children(prefix + "encoder.layers.");
    return;
  }
  if (!shapes.has_prefix(kBertText)) return;
  dims->vocabulary = shapes.size("cond_stage_model.transformer.token_emb.weight", 0);
  dims->text_width = shapes.size("cond_stage_model.transformer.token_emb.weight", 1);
  // Attention and feed-forward take turns in one list.
  if (const auto halves = shapes.children(std::string(kBertText) + "layers.")) {
    dims->text_layers = *halves / 2;
  }
}

ModelDims read_dims(const Shapes& shapes) {
  ModelDims dims;
  const std::string unet(weights::kUnetPrefix);
  dims.model_channels = shapes.size(unet + "input_blocks.0.0.weight", 0);
  dims.in_channels = shapes.size(unet + "input_blocks.0.0.weight", 1);
  dims.context_dim = shapes.size_below(weights::kUnetPrefix, "attn2.to_k.weight", 1);
  for (const std::string& prefix : {std::string(kAutoencoder), std::string()}) {
    if (dims.autoencoder_channels) break;
    dims.autoencoder_channels = shapes.size(prefix + "encoder.conv_in.weight", 0);
    dims.latent_channels = shapes.size(prefix + "decoder.conv_in.weight", 1);
  }
  read_text_dims(shapes, &dims);
  const std::string vision = "vision_model.vision_model.";
  dims.vision_width = shapes.size(vision + "embeddings.class_embedding", 0);
  dims.vision_layers = shapes.children(vision + "encoder.layers.");
  return dims;
}

/// Textual inversion: one tensor of one or two dimensions, whatever its name, or SDXL's two.
void read_embedding(const Shapes& shapes, Inspection* inspection) {
  const weights::CheckpointContents& contents = inspection->contents;
  if (shapes.size("clip_g", 1) && shapes.size("clip_l", 1) && contents.tensors.size() == 2) {
    inspection->family = "embedding (Stable Diffusion XL)";
    return;
  }
  if (contents.tensors.size() != 1 || (!contents.embedding && !contents.other_keys.empty())) return;
  const std::vector<int64_t>& shape = contents.tensors.front().shape;
  if (shape.empty() || shape.size() > 2) return;
  inspection->family = "embedding";
  inspection->dims.embedding_vectors = shape.size() == 2 ? shape.front() : 1;
  inspection->dims.text_width = shape.back();
}

void add_tensor(const weights::TensorInfo& info, uint64_t file_bytes, PartSummary* part) {
  // A shape that its bytes do not bear out must not overflow the sums.
  const auto parameters =
      static_cast<int64_t>(std::min(static_cast<uint64_t>(info.numel()), file_bytes));
  const uint64_t bytes = info.foreign.empty()
                             ? static_cast<uint64_t>(parameters) * c10::elementSize(info.dtype)
                             : info.bytes;
  const std::string dtype = weights::dtype_name(info);
  auto share = std::find_if(part->dtypes.begin(), part->dtypes.end(),
                            [&](const DtypeShare& row) { return row.dtype == dtype; });
  if (share == part->dtypes.end()) share = part->dtypes.insert(share, {dtype, 0, 0, 0});
  share->tensors += 1;
  share->parameters += parameters;
  share->bytes += bytes;
  part->tensors += 1;
  part->parameters += parameters;
  part->bytes += bytes;
}

/// The parts in the order in which their first tensors come.
std::vector<PartSummary> summarise(const weights::CheckpointContents& contents,
                                   uint64_t file_bytes) {
  std::vector<PartSummary> parts;
  for (const weights::TensorInfo& info : contents.tensors) {
    const PartRow row = part_of(info.name);
    auto part = std::find_if(parts.begin(), parts.end(),
                             [&](const PartSummary& one) { return one.name == row.name; });
    if (part == parts.end()) {
      PartSummary fresh;
      fresh.name = row.name;
      fresh.prefix = row.prefix;
      part = parts.insert(part, std::move(fresh));
    }
    add_tensor(info, file_bytes, &*part);
  }
  return parts;
}

}  // namespace

Inspection inspect_file(const std::string& path, bool sha256) {
  const auto file = runtime::MappedFile::open(path);
  Inspection inspection;
  inspection.path = path;
  inspection.file_bytes = file->size();
  inspection.contents = weights::scan_checkpoint(*file);
  const Shapes shapes(inspection.contents.tensors);
  inspection.format = inspection.contents.format;
  inspection.dims = read_dims(shapes);
  inspection.family = family_name(shapes, inspection.dims);
  if (inspection.family == "unknown") read_embedding(shapes, &inspection);
  if (inspection.contents.problems.empty() && !inspection.contents.embedding &&
      may_be_adapter(inspection.contents.tensors)) {
    const auto opened = std::make_shared<const weights::Checkpoint>(file, inspection.contents);
    inspection.adapter = describe_adapter(sort_adapter(opened));
    if (!inspection.adapter.empty()) inspection.family = "lora";
  }
  inspection.parts = summarise(inspection.contents, file->size());
  inspection.has_ema = shapes.has_prefix("model_ema.diffusion_model");
  for (const weights::TensorInfo& info : inspection.contents.tensors) {
    if (is_schedule(info.name)) inspection.schedule_buffers.push_back(info.name);
  }
  if (sha256) inspection.sha256 = weights::sha256_of(file->data(), file->size());
  return inspection;
}

}  // namespace sd::models
