#include "weights/formats/torch_zip.h"

#include <string>

#include "base/strings.h"
#include "weights/formats/byte_cursor.h"
#include "weights/formats/pickle.h"
#include "weights/formats/torch_pickle.h"
#include "weights/formats/zip_directory.h"

namespace sd {
namespace {

constexpr std::string_view kPickle = "data.pkl";

/// The record data.pkl, in whatever folder the writer put its records: the file's stem or
/// "archive".
const ZipEntry& find_pickle(const ZipDirectory& zip) {
  for (const ZipEntry& entry : zip.entries()) {
    const size_t slash = entry.name.find('/');
    if (slash != std::string_view::npos && entry.name.substr(slash + 1) == kPickle) return entry;
  }
  throw Error(ErrorKind::kCheckpoint,
              format("expected a record data.pkl in the zip archive, found %zu other records",
                     zip.entries().size()),
              "give a checkpoint that torch.save wrote, or a .safetensors file");
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

}  // namespace

bool is_torch_zip(std::string_view file) { return file.starts_with("PK\x03\x04"); }

CheckpointContents read_torch_zip(std::string_view file) {
  const ZipDirectory zip(file);
  const ZipEntry& pickle = find_pickle(zip);
  const std::string folder(pickle.name.substr(0, pickle.name.size() - kPickle.size()));
  check_byte_order(zip, folder);
  std::string unpacked;
  const pickle::Document document = pickle::read(zip.read(pickle, &unpacked));
  const FindStorage find = [&](const TorchStorage& storage) {
    StoragePlace place;
    const std::string name = folder + "data/" + std::string(storage.key);
    const ZipEntry* entry = zip.find(name);
    if (entry == nullptr) {
      place.problem = "expected a zip entry " + printable(name) + ", found none";
      return place;
    }
    place.problem = zip.locate(*entry, &place.offset);
    place.bytes = entry->bytes;
    return place;
  };
  CheckpointContents contents = torch_contents(document, find, file.size());
  contents.format = "torch zip";
  return contents;
}

}  // namespace sd
