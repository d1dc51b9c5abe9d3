#include "weights/formats/torch_legacy.h"

#include <fmt/core.h>

#include <map>
#include <string>

#include "base/strings.h"
#include "weights/formats/byte_cursor.h"
#include "weights/formats/pickle.h"
#include "weights/formats/torch_pickle.h"

namespace sd::weights {
namespace {

/// 0x1950a86a20f9469cfc6c, least byte first.
constexpr std::string_view kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
/// The magic number in the text form of pickle protocols 0 and 1.
constexpr std::string_view kMagicDigits = "119547037146038801333356";
constexpr int64_t kProtocol = 1001;
/// A tar header says "ustar" here.
constexpr size_t kTarMark = 257;

/// A stream of pickles, one behind the other.
class PickleStream {
 public:
  explicit PickleStream(std::string_view file) : file_(file) {}

  pickle::Document next() {
    pickle::Document document = pickle::read(file_.substr(position_));
    position_ += document.length();
    return document;
  }
  size_t position() const { return position_; }

 private:
  std::string_view file_;
  size_t position_ = 0;
};

void check_head(PickleStream& stream) {
  const pickle::Document magic = stream.next();
  if (magic.root().as_text() != kMagic && magic.root().as_text() != kMagicDigits) {
    throw damaged("expected the magic number of torch.save, found another value");
  }
  const pickle::Document protocol = stream.next();
  if (protocol.root().as_int() != kProtocol) {
    throw damaged("expected version 1001 of torch.save's stream, found another");
  }
  const pickle::Document machine = stream.next();
  const auto little = machine.root().find("little_endian");
  if (!little || !little->as_bool()) {
    throw damaged("expected the byte order in the stream's third pickle, found none");
  }
  if (!*little->as_bool()) {
    throw Error(ErrorKind::kCheckpoint, "expected little-endian numbers, found big-endian ones",
                "save the checkpoint again on a little-endian machine");
  }
}

/// Walks over the storages at the end of the stream and notes where each lies.
std::map<std::string_view, StoragePlace> place_storages(std::string_view file, size_t position,
                                                        const pickle::Document& object,
                                                        const pickle::Document& keys) {
  std::map<std::string_view, TorchStorage> declared;
  for (const TorchStorage& storage : torch_storages(object)) declared[storage.key] = storage;
  const pickle::Value list = keys.root();
  if (list.kind() != pickle::Kind::kList) throw damaged("expected a list of storage keys");
  ByteCursor in(file, "storages", position);
  std::map<std::string_view, StoragePlace> places;
  for (const pickle::Value& item : list.items()) {
    const auto found = declared.find(item.as_text().value_or(""));
    if (found == declared.end()) {
      throw damaged("expected keys of storages that the object names, found another");
    }
    const TorchStorage& storage = found->second;
    const uint64_t numel = in.u64();
    if (numel != storage.numel) {
      throw damaged(fmt::format("expected {} elements in storage {}, found {}", storage.numel,
                                printable(storage.key, 40), numel));
    }
    const uint64_t item_bytes = storage.elements.bytes;
    if (item_bytes == 0) {
      throw Error(ErrorKind::kCheckpoint,
                  "expected storages of kinds that torch had in 2025, found another for storage " +
                      printable(storage.key, 40),
                  "load the file with the torch that wrote it and save the weights alone");
    }
    if (numel > in.left() / item_bytes) {
      throw damaged(fmt::format("expected {} elements in storage {}, found the end of the file",
                                numel, printable(storage.key, 40)));
    }
    const uint64_t offset = in.position();
    in.take(numel * item_bytes);
    places[storage.key] = {.offset = offset, .bytes = numel * item_bytes};
  }
  return places;
}

}  // namespace

bool is_torch_legacy(std::string_view file) {
  if (file.starts_with('L')) return file.substr(1).starts_with(kMagicDigits);
  // The number follows the protocol (2 bytes), perhaps a frame (9), and its own opcode (2).
  return file.starts_with('\x80') && file.substr(0, 32).find(kMagic) != std::string_view::npos;
}

CheckpointContents read_torch_legacy(std::string_view file) {
  PickleStream stream(file);
  check_head(stream);
  const pickle::Document object = stream.next();
  const pickle::Document keys = stream.next();
  const auto places = place_storages(file, stream.position(), object, keys);
  const FindStorage find = [&](const TorchStorage& storage) {
    const auto place = places.find(storage.key);
    if (place != places.end()) return place->second;
    return StoragePlace{.problem = "expected its storage at the end of the stream, found none"};
  };
  CheckpointContents contents = torch_contents(object, find, file.size());
  contents.format = "torch legacy";
  return contents;
}

bool is_torch_tar(std::string_view file) {
  return file.size() > kTarMark && file.substr(kTarMark).starts_with("ustar");
}

CheckpointContents refuse_torch_tar(std::string_view) {
  throw Error(ErrorKind::kCheckpoint,
              "expected a checkpoint of torch 0.1.10 or later, found a tar archive",
              "if torch wrote it, load it with torch 1.x and save it again");
}

}  // namespace sd::weights
