#include "models/embeddings.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/interrupt.h"
#include "base/strings.h"
#include "models/embedding_card.h"
#include "models/file_class.h"
#include "runtime/mapped_file.h"
#include "sd/error.h"
#include "weights/checkpoint.h"

namespace sd::models {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& file) {
  std::string text = file.extension().string();
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

bool is_one_of(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_weights(const fs::path& file) {
  return is_one_of(lower_extension(file), {".pt", ".bin", ".safetensors"});
}

bool is_picture(const fs::path& file) {
  return is_one_of(lower_extension(file), {".png", ".webp"}) &&
         lower_extension(file.stem()) != ".preview";
}

Error unusable(const std::string& what) {
  return Error(ErrorKind::kCheckpoint, what,
               "give an embedding of the web UI or of diffusers, made for Stable Diffusion v1");
}

void check_globals(const weights::CheckpointContents& contents) {
  for (const weights::PickleGlobal& global : contents.globals) {
    if (!global.known)
      throw unusable("its pickle names " + printable(global.name) + ", which no embedding needs");
  }
}

/// The one tensor that an embedding is.
const weights::TensorInfo& only_tensor(const weights::CheckpointContents& contents) {
  if (!contents.problems.empty()) throw unusable(contents.problems.front().what);
  if (contents.tensors.empty()) throw unusable("it is not an embedding: it has no tensor");
  const bool whole = contents.embedding || contents.other_keys.empty();
  if (!whole)
    throw unusable("it is not an embedding: it has the key " + contents.other_keys.front());
  if (contents.tensors.size() > 1) {
    throw unusable(fmt::format("it has {} terms; an embedding has one", contents.tensors.size()));
  }
  return contents.tensors.front();
}

/// Says what a file is that is for another flag.
void require_embedding(const weights::Checkpoint& file) {
  if (file.index().size() < 2) return;
  const FileClass found = classify(file, FileUse::kEmbedding);
  if (!found.use || *found.use == FileUse::kEmbedding) return;
  throw Error(ErrorKind::kCheckpoint,
              "it is not an embedding, but " + found.what + ": " + found.way);
}

at::Tensor read_vectors(const fs::path& file) {
  const auto mapped = runtime::MappedFile::open(file.string());
  const weights::Checkpoint checkpoint(mapped, weights::scan_checkpoint(*mapped));
  check_globals(checkpoint.contents());
  require_embedding(checkpoint);
  const weights::TensorInfo& info = only_tensor(checkpoint.contents());
  return checkpoint.tensor(info).to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
}

/// [n, width], checked.
at::Tensor checked(at::Tensor vectors) {
  constexpr int64_t kMost = text::kMaxTokens - 2;
  if (vectors.dim() == 1) vectors = vectors.unsqueeze(0);
  if (vectors.dim() != 2)
    throw unusable("expected a list of vectors, found " + shape_string(vectors.sizes().vec()));
  if (vectors.size(0) < 1 || vectors.size(0) > kMost) {
    throw unusable(fmt::format("it has {} vectors; a chunk holds 1 to {}", vectors.size(0), kMost));
  }
  if (!at::isfinite(vectors).all().item<bool>())
    throw unusable("it has values that are not numbers");
  return vectors.contiguous();
}

/// Nothing for a picture without one.
std::optional<TextEmbedding> read_embedding(const fs::path& file) {
  std::error_code ignored;
  if (fs::file_size(file, ignored) == 0) throw unusable("it is empty");
  TextEmbedding embedding{.name = file.stem().string(), .vectors = {}, .file = file};
  if (is_picture(file)) {
    auto card = read_embedding_card(file);
    if (!card) return std::nullopt;
    embedding.vectors = checked(std::move(card->vectors));
    if (!card->name.empty()) embedding.name = card->name;
  } else {
    embedding.vectors = checked(read_vectors(file));
  }
  text::check_prompt(embedding.name);
  return embedding;
}

void check_width(const TextEmbedding& embedding, int64_t width) {
  const int64_t found = embedding.vectors.size(1);
  if (width > 0 && found != width) {
    throw unusable(fmt::format("its vectors have {} numbers, the text encoder's {}", found, width));
  }
}

/// Throws kFile for a file in the place of the folder.
void require_folder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_regular_file(folder, ignored)) return;
  throw Error(ErrorKind::kFile,
              printable(folder.string()) + ": expected a folder of embeddings, found a file",
              "put embeddings into a folder, each in a file named after its word, and give that");
}

/// The files below a folder that may hold an embedding, sorted.
std::vector<fs::path> candidates(const fs::path& folder) {
  require_folder(folder);
  std::vector<fs::path> files;
  std::error_code error;
  // Of the folders below it, those that may not be read are passed over.
  const fs::directory_iterator readable(folder, error);
  const auto options = fs::directory_options::follow_directory_symlink |
                       fs::directory_options::skip_permission_denied;
  fs::recursive_directory_iterator it;
  if (!error) it = fs::recursive_directory_iterator(folder, options, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (it.depth() > 16) it.disable_recursion_pending();
    std::error_code ignored;
    if (it->is_regular_file(ignored) && may_hold_embedding(it->path())) files.push_back(it->path());
  }
  if (error) {
    throw Error(ErrorKind::kFile,
                "cannot read the folder " + printable(folder.string()) + ": " + error.message(),
                "check the folder of the embeddings");
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::string find_embeddings_folder(const std::string& given) {
  constexpr const char* kUsual = "models/embeddings";
  std::error_code ignored;
  if (!given.empty() || !fs::is_directory(kUsual, ignored)) return given;
  return kUsual;
}

bool may_hold_embedding(const fs::path& file) { return is_weights(file) || is_picture(file); }

EmbeddingSet load_embeddings(const fs::path& folder, int64_t width) {
  EmbeddingSet set;
  std::map<std::string, TextEmbedding> by_name;
  for (const fs::path& file : candidates(folder)) {
    try {
      auto embedding = read_embedding(file);
      if (!embedding) continue;
      check_width(*embedding, width);
      const std::string name = embedding->name;
      by_name.insert_or_assign(name, *std::move(embedding));
    } catch (const Error& error) {
      rethrow_if_stopped(error);
      set.skipped.push_back({file, error.what()});
    }
  }
  for (auto& [name, embedding] : by_name) set.embeddings.push_back(std::move(embedding));
  return set;
}

namespace {

/// Where a word is in the set, or belongs.
std::vector<TextEmbedding>::iterator place_of(const std::string& name, EmbeddingSet* set) {
  return std::find_if(set->embeddings.begin(), set->embeddings.end(),
                      [&](const TextEmbedding& one) { return one.name >= name; });
}

}  // namespace

void put_embedding(const std::string& name, const fs::path& file, int64_t width,
                   EmbeddingSet* set) {
  auto embedding = read_embedding(file);
  if (!embedding) throw unusable(printable(file.string()) + " holds no embedding");
  check_width(*embedding, width);
  text::check_prompt(name);
  embedding->name = name;
  const auto place = place_of(name, set);
  if (place != set->embeddings.end() && place->name == name) {
    *place = *std::move(embedding);
  } else {
    set->embeddings.insert(place, *std::move(embedding));
  }
}

void add_embeddings(const std::map<std::string, at::Tensor>& stored, const fs::path& file,
                    int64_t width, EmbeddingSet* set) {
  for (const auto& [name, vectors] : stored) {
    const auto place = place_of(name, set);
    if (place != set->embeddings.end() && place->name == name) continue;
    try {
      text::check_prompt(name);
      TextEmbedding embedding{.name = name,
                              .vectors = checked(vectors.to(at::kFloat, false, /*copy=*/true)),
                              .file = file};
      check_width(embedding, width);
      set->embeddings.insert(place, std::move(embedding));
    } catch (const Error& error) {
      set->skipped.push_back({file, printable(name) + ": " + error.what()});
    }
  }
}

std::vector<text::EmbeddingName> EmbeddingSet::names() const {
  std::vector<text::EmbeddingName> list;
  for (const TextEmbedding& one : embeddings) list.push_back({one.name, one.vectors.size(0)});
  return list;
}

}  // namespace sd::models
