#include "models/file_class.h"

#include <algorithm>

#include "models/adapters/adapter_file.h"

namespace sd::models {
namespace {

/// What a use of files is called, and how a file comes to it.
struct Use {
  FileUse use;
  const char* names;  ///< "none of the names that … have"
  const char* way;
};

constexpr Use kUses[] = {
    {FileUse::kNone, "", "this program draws with Stable Diffusion v1 and LAION-400M"},
    {FileUse::kModel, "models", "give it with `ckpt`"},
    {FileUse::kPart, "", "give `ckpt` a whole model"},
    {FileUse::kPartOfFolder, "", "give `ckpt` the folder above it, which holds model_index.json"},
    {FileUse::kAdapter, "adapters", "give it with `lora`"},
    {FileUse::kAutoencoder, "autoencoders", "give it with `vae`"},
    {FileUse::kTaesd, "TAESDs", "give it with `vae` taesd:FILE"},
    {FileUse::kEmbedding, "embeddings", "put it into a folder, and give that with `embeddings`"},
    {FileUse::kSafetyChecker, "", "give it with `safety_ckpt`"}};

const Use& row_of(FileUse use) {
  return *std::find_if(std::begin(kUses), std::end(kUses),
                       [&](const Use& row) { return row.use == use; });
}

/// (For what it was given as already, its own way would help no one.)
FileClass as(const std::string& what, std::optional<FileUse> is, FileUse asked) {
  const bool helps = is && *is != asked;
  return {is, what, helps ? way_of(*is) : "`sd inspect` shows what the file holds"};
}

/// Whether the file is one list of vectors, or what the web UI's training saves.
bool is_embedding(const weights::CheckpointContents& contents) {
  if (contents.embedding) return true;
  constexpr int64_t kMostVectors = 75, kLeastWidth = 128;
  if (contents.tensors.size() != 1) return false;
  const std::vector<int64_t>& shape = contents.tensors.front().shape;
  if (shape.empty() || shape.back() < kLeastWidth) return false;
  return shape.size() == 1 || (shape.size() == 2 && shape.front() <= kMostVectors);
}

}  // namespace

std::string way_of(FileUse use) { return row_of(use).way; }

FileClass classify(const weights::Checkpoint& file, FileUse asked) {
  const Family* family =
      find_family([&](std::string_view prefix) { return file.has_prefix(prefix); });
  if (family != nullptr && family->text != nullptr) {
    return as("a whole model", FileUse::kModel, asked);
  }
  if (family != nullptr) return as(std::string(family->what), family->use, asked);
  if (may_be_adapter(file.index())) return as("an adapter (LoRA)", FileUse::kAdapter, asked);
  if (is_embedding(file.contents())) {
    return as("a textual inversion embedding", FileUse::kEmbedding, asked);
  }
  return as(std::string("none of the names that ") + row_of(asked).names + " have", std::nullopt,
            asked);
}

}  // namespace sd::models
