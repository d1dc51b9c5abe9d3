#include "job/embedding_folder.h"

#include "job/file_hash.h"
#include "job/hash_list.h"
#include "models/embeddings.h"
#include "text/unicode.h"
#include "weights/sha256.h"

namespace sd::job {
namespace {

constexpr int64_t kAnyWidth = 0;

std::string key_of(const std::string& name) {
  const auto characters = text::decode_utf8(listed_name(name));
  return characters ? text::to_utf8(text::to_lower(*characters)) : name;
}

}  // namespace

void EmbeddingFolder::look() {
  if (looked_ || folder_.empty()) return;
  looked_ = true;
  for (const models::TextEmbedding& one : models::load_embeddings(folder_, kAnyWidth).embeddings) {
    files_.emplace(key_of(one.name), one.file.string());
  }
}

std::string EmbeddingFolder::find(const std::string& name) {
  look();
  const auto found = files_.find(key_of(name));
  return found == files_.end() ? "" : found->second;
}

std::string EmbeddingFolder::find_hash(const std::string& recorded) {
  look();
  for (const auto& [name, file] : files_) {
    if (is_start_of(recorded, sha256(file))) return file;
  }
  return "";
}

const std::string& EmbeddingFolder::sha256(const std::string& file) {
  std::string& hash = hashes_[file];
  if (hash.empty()) hash = sha256_of_file(file);
  return hash;
}

std::string sha256_of_embeddings(const std::string& folder) {
  const models::EmbeddingSet set = models::load_embeddings(folder, kAnyWidth);
  if (set.embeddings.empty()) return "";
  weights::Sha256 sum;
  for (const models::TextEmbedding& one : set.embeddings) {
    const std::string line = one.name + '\n' + sha256_of_file(one.file.string()) + '\n';
    sum.update(line.data(), line.size());
  }
  return sum.finish();
}

}  // namespace sd::job
