#include "models/layouts/part_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/json.h"
#include "base/split.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "sd/error.h"

namespace sd::models {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSafetensors = ".safetensors";
constexpr const char* kBin = ".bin";

/// The words between the dots of a name.
std::vector<std::string> words_of(std::string_view name) {
  const auto words = split(name, '.');
  return {words.begin(), words.end()};
}

bool is_variant(const std::string& word) {
  const std::set<std::string> others = {"safetensors", "bin", "index", "json"};
  return !word.empty() && !others.contains(word) && word.find("-of-") == std::string::npos;
}

/// The variants in the folder, each with its dot (".fp16"): first none, then float16's, then
/// others.
std::vector<std::string> variants(const PartFiles& files) {
  std::set<std::string> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(files.folder, ignored)) {
    const std::vector<std::string> words = words_of(entry.path().filename().string());
    if (words.front() != files.stem && words.front() != files.bin) continue;
    for (size_t i = 1; i < words.size(); ++i) {
      if (is_variant(words[i])) found.insert("." + words[i]);
    }
  }
  std::vector<std::string> all = {"", ".fp16"};
  found.erase(".fp16");
  all.insert(all.end(), found.begin(), found.end());
  return all;
}

/// The index of a part in several files; all orders of its name's parts are in use.
fs::path find_index(const PartFiles& files, const std::string& stem, const std::string& ending,
                    const std::string& variant) {
  for (const std::string& name : {fmt::format("{}{}.index{}.json", stem, ending, variant),
                                  fmt::format("{}{}{}.index.json", stem, ending, variant),
                                  fmt::format("{}{}{}.index.json", stem, variant, ending)}) {
    if (is_file(files.folder / name)) return files.folder / name;
  }
  return {};
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

/// Of a folder snapshots/REVISION in the cache of Hugging Face's hub, or of a part in one, where
/// its links lead.
fs::path blobs_of(const fs::path& root) {
  const auto blobs = [](const fs::path& revision) {
    const fs::path snapshots = revision.parent_path();
    return snapshots.filename() == "snapshots" ? snapshots.parent_path() / "blobs" : fs::path();
  };
  const fs::path of_whole = blobs(root);
  return of_whole.empty() ? blobs(root.parent_path()) : of_whole;
}

/// The files that an index names. Each must lie in the folder itself.
std::set<std::string> shard_names(const fs::path& index) {
  constexpr size_t kMostBytes = size_t{4} << 20;
  constexpr size_t kMostShards = 256;
  std::string problem;
  const auto text = read_text_file(index, kMostBytes, &problem);
  const nlohmann::json json = parse_json(text && text->size() <= kMostBytes ? *text : "");
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object() || map->empty()) {
    refuse_folder(index, "expected a weight_map of tensors to files, found none");
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : map->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    if (name.empty() || name == "." || name == ".." || fs::path(name).filename() != name) {
      refuse_folder(index,
                    "expected names of files beside it, found \"" + printable(name, 60) + "\"");
    }
    names.insert(name);
  }
  if (names.size() > kMostShards) refuse_folder(index, "expected at most 256 files, found more");
  return names;
}

}  // namespace

PartFiles network_files(const fs::path& root, const fs::path& folder) {
  return {root, folder, "diffusion_pytorch_model", "diffusion_pytorch_model"};
}

PartFiles text_files(const fs::path& root, const fs::path& folder) {
  return {root, folder, "model", "pytorch_model"};
}

fs::path find_part(const PartFiles& files) {
  const std::pair<std::string, const char*> kinds[] = {{files.stem, kSafetensors},
                                                       {files.bin, kBin}};
  for (const std::string& variant : variants(files)) {
    for (const auto& [stem, ending] : kinds) {
      if (const fs::path one = files.folder / (stem + variant + ending); is_file(one)) return one;
      if (const fs::path index = find_index(files, stem, ending, variant); !index.empty()) {
        return index;
      }
    }
  }
  return {};
}

std::shared_ptr<const weights::Checkpoint> open_part(const PartFiles& files) {
  const fs::path found = find_part(files);
  if (found.empty()) {
    refuse_folder(files.folder, "expected " + files.stem + kSafetensors + " or " + files.bin +
                                    kBin + ", found none");
  }
  inside(files.root, found);
  if (found.extension() != ".json") return weights::open_checkpoint(found.string());
  std::vector<std::shared_ptr<const weights::Checkpoint>> shards;
  for (const std::string& name : shard_names(found)) {
    shards.push_back(weights::open_checkpoint(inside(files.root, files.folder / name).string()));
  }
  return std::make_shared<const weights::Checkpoint>(files.folder.string(), std::move(shards));
}

fs::path inside(const fs::path& root, const fs::path& path) {
  std::error_code error;
  const fs::path at = fs::canonical(path, error);
  if (error) return path;  // whoever opens it says so
  const fs::path folder = fs::canonical(root, error);
  const fs::path blobs = blobs_of(folder);
  if (lies_in(at, folder) || (!blobs.empty() && lies_in(at, blobs))) return path;
  refuse_folder(path, "expected a file of the folder, found a link to " + printable(at.string()));
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

void refuse_folder(const fs::path& path, const std::string& what) {
  throw Error(ErrorKind::kCheckpoint, printable(path.string()) + ": " + what,
              "give a folder that diffusers' save_pretrained wrote, or one file");
}

}  // namespace sd::models
