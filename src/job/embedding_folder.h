#pragma once

#include <map>
#include <string>

namespace sd::job {

/// The embeddings (textual inversions) below a folder, by their words and by their hashes. It is
/// looked through when the first of them is asked for. To be used by one thread at a time.
class EmbeddingFolder {
 public:
  /// Empty: there is none.
  explicit EmbeddingFolder(std::string folder) : folder_(std::move(folder)) {}

  const std::string& folder() const { return folder_; }

  /// The file of a word, in whatever case, as a list of hashes has it (`listed_name`); "" where
  /// there is none. Throws Error(kFile) where the folder cannot be read.
  std::string find(const std::string& name);

  /// The first file whose hash begins with the digits of a record, or "". Throws as `find`.
  std::string find_hash(const std::string& recorded);

  /// The SHA-256 of such a file, computed once.
  const std::string& sha256(const std::string& file);

 private:
  void look();

  std::string folder_;
  bool looked_ = false;
  std::map<std::string, std::string> files_;   // by word, in lower case
  std::map<std::string, std::string> hashes_;  // by file
};

/// A hash of all embeddings below the folder, by their words and the bytes of their files, wherever
/// it lies; empty where it holds none. Throws Error(kFile), kCancelled as `sha256_of_file`.
std::string sha256_of_embeddings(const std::string& folder);

}  // namespace sd::job
