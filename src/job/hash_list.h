#pragma once

#include <string>
#include <vector>

namespace sd::job {

/// A file by its name and its hash, or the first digits of that.
struct NamedHash {
  std::string name;
  std::string hash;

  bool operator==(const NamedHash&) const = default;
};

/// "style: 0123456789ab, light: …", as the web UI lists the files that a picture was drawn with
/// ("Lora hashes", "TI hashes"): each once, the names without colons and commas.
std::string write_hash_list(const std::vector<NamedHash>& files);

/// Such a list taken apart, each once; what is no "name: hash" is passed over.
std::vector<NamedHash> parse_hash_list(const std::string& text);

/// A name as such a list has it.
std::string listed_name(std::string name);

/// Whether the digits that a record has, eight at least, are the first of a hash.
bool is_start_of(const std::string& recorded, const std::string& hash);

}  // namespace sd::job
