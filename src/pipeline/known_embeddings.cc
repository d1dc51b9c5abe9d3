#include "pipeline/known_embeddings.h"

#include <utility>

#include "base/log.h"
#include "base/strings.h"

namespace sd::pipeline {

bool KnownEmbeddings::use(const std::vector<LoraUse>& loras) {
  std::vector<std::string> files;
  for (const LoraUse& use : loras) {
    if (!adapters_->get(use.file)->file().embeddings.empty()) files.push_back(use.file);
  }
  if (files == files_) return false;
  models::EmbeddingSet set = of_folder_;
  set.skipped.clear();
  for (const std::string& name : files) {
    const models::AdapterFile& file = adapters_->get(name)->file();
    models::add_embeddings(file.embeddings, file.path(), width_, &set);
  }
  for (const models::SkippedEmbedding& one : set.skipped) {
    const std::string line = "not used: " + printable(one.file.string()) + ": " + one.reason;
    if (said_.insert(line).second) notice(line);
  }
  set_ = std::move(set);
  files_ = std::move(files);
  return true;
}

}  // namespace sd::pipeline
