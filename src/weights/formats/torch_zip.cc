#include "weights/formats/torch_zip.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <string>
#include <unordered_map>

#include "base/strings.h"
#include "weights/formats/byte_cursor.h"
#include "weights/formats/pickle.h"
#include "weights/formats/torch_pickle.h"
#include "weights/formats/zip_directory.h"

namespace sd::weights {
namespace {

constexpr std::string_view kPickle = "data.pkl";
/// Weights do not shrink much; deflate's bombs shrink a thousandfold. All that tensors inflate to
/// is at most so many times the file's size.
constexpr uint64_t kMostInflation = 32;

/// The record data.pkl, in whatever folder the writer put its records: the file's stem or
/// "archive".
const ZipEntry& find_pickle(const ZipDirectory& zip) {
  for (const ZipEntry& entry : zip.entries()) {
    const size_t slash = entry.name.find('/');
    if (slash != std::string_view::npos && entry.name.substr(slash + 1) == kPickle) return entry;
  }
  const bool packs_model =
      std::any_of(zip.entries().begin(), zip.entries().end(), [](const ZipEntry& entry) {
        return entry.name.ends_with(".safetensors") || entry.name.ends_with(".ckpt");
      });
  throw Error(ErrorKind::kCheckpoint,
              fmt::format("expected a record data.pkl in the zip archive, found {} other records",
                          zip.entries().size()),
              packs_model ? "unpack the archive, and give the model that is in it"
                          : "give a checkpoint that torch.save wrote, or a .safetensors file");
}

/// Refuses an archive whose numbers have their first byte first in rank.
void check_byte_order(const ZipDirectory& zip, const std::string& folder) {
  const ZipEntry* entry = zip.find(folder + "byteorder");
  if (entry == nullptr) return;  // older writers leave it out
  std::string unpacked;
  const std::string_view order = zip.read(*entry, &unpacked);
  if (order == "little") return;
  throw Error(ErrorKind::kCheckpoint,
              "expected little-endian numbers, found byte order \"" + printable(order, 20) + "\"",
              "save the checkpoint again on a little-endian machine");
}

/// Finds the records of storages, and lists those that have to be inflated.
class StorageFinder {
 public:
  StorageFinder(const ZipDirectory& zip, std::string folder, uint64_t file_size)
      : zip_(zip), folder_(std::move(folder)), most_(kMostInflation * file_size) {}

  StoragePlace operator()(const TorchStorage& storage) {
    const std::string name = folder_ + std::string(storage.key);
    const ZipEntry* entry = zip_.find(name);
    if (entry == nullptr) return failed("expected a zip entry " + printable(name) + ", found none");
    StoragePlace place;
    place.bytes = entry->bytes;
    place.problem = zip_.locate(*entry, &place.offset);
    return place.problem.empty() && entry->is_deflated() ? packed(*entry, place.offset) : place;
  }

  std::vector<PackedRun> take_runs() { return std::move(runs_); }

 private:
  static StoragePlace failed(const std::string& problem) {
    StoragePlace place;
    place.problem = problem;
    return place;
  }

  StoragePlace packed(const ZipEntry& entry, uint64_t offset) {
    auto known = numbers_.find(entry.name);
    if (known == numbers_.end()) {
      if (entry.bytes > most_ - inflated_) {
        return failed(fmt::format("expected all tensors to inflate to at most {} times the file",
                                  kMostInflation));
      }
      inflated_ += entry.bytes;
      known = numbers_.emplace(entry.name, static_cast<int32_t>(runs_.size())).first;
      runs_.push_back(
          {std::string(entry.name), offset, entry.stored_bytes, entry.bytes, entry.crc32});
    }
    StoragePlace place;
    place.bytes = entry.bytes;
    place.packed = known->second;
    return place;
  }

  const ZipDirectory& zip_;
  const std::string folder_;
  const uint64_t most_;
  uint64_t inflated_ = 0;
  std::vector<PackedRun> runs_;
  std::unordered_map<std::string_view, int32_t> numbers_;
};

}  // namespace

bool is_torch_zip(std::string_view file) { return file.starts_with("PK\x03\x04"); }

CheckpointContents read_torch_zip(std::string_view file) {
  const ZipDirectory zip(file);
  const ZipEntry& pickle = find_pickle(zip);
  const std::string folder(pickle.name.substr(0, pickle.name.size() - kPickle.size()));
  check_byte_order(zip, folder);
  std::string unpacked;
  const pickle::Document document = pickle::read(zip.read(pickle, &unpacked));
  StorageFinder finder(zip, folder + "data/", file.size());
  CheckpointContents contents = torch_contents(document, std::ref(finder), file.size());
  contents.format = "torch zip";
  contents.packed = finder.take_runs();
  return contents;
}

}  // namespace sd::weights
