#pragma once

#include <unistd.h>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Small writers of the checkpoint formats, apart from the readers under test. They write what
/// they are told, sound or not.
namespace sd::test {

/// `size` low bytes of the number, least first.
inline std::string le(uint64_t number, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xFF);
  return bytes;
}

/// The bytes of numbers as they lie in memory.
template <typename T>
std::string raw(const std::vector<T>& numbers) {
  std::string bytes(numbers.size() * sizeof(T), '\0');
  if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

/// Fragments of a pickle of protocol 2: each leaves one value on the stack.
namespace pkl {

inline std::string text(std::string_view s) { return "X" + le(s.size(), 4) + std::string(s); }
inline std::string integer(int64_t n) { return "\x8a\x08" + le(static_cast<uint64_t>(n), 8); }
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string bytes = "(";
  for (const std::string& item : items) bytes += item;
  return bytes + "t";
}
inline std::string list(const std::vector<std::string>& items) {
  std::string bytes = "](";
  for (const std::string& item : items) bytes += item;
  return bytes + "e";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string bytes = "}(";
  for (const auto& [key, value] : items) bytes += key + value;
  return bytes + "u";
}
inline std::string call(const std::string& callable, const std::vector<std::string>& arguments) {
  return callable + tuple(arguments) + "R";
}
inline std::string integers(const std::vector<int64_t>& numbers) {
  std::vector<std::string> items;
  for (const int64_t number : numbers) items.push_back(integer(number));
  return tuple(items);
}
/// A whole pickle around one value.
inline std::string whole(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace pkl

/// A storage and what a persistent id says of it.
struct FakeStorage {
  std::string key;
  std::string cls = "FloatStorage";
  std::string data;
  int64_t numel = 0;
};

inline FakeStorage floats(const std::string& key, const std::vector<float>& numbers) {
  return {key, "FloatStorage", raw(numbers), static_cast<int64_t>(numbers.size())};
}

/// The call that torch writes for a tensor.
inline std::string tensor(const FakeStorage& storage, int64_t first,
                          const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
  const std::string id =
      pkl::tuple({pkl::text("storage"), pkl::global("torch", storage.cls), pkl::text(storage.key),
                  pkl::text("cpu"), pkl::integer(storage.numel)});
  return pkl::call(pkl::global("torch._utils", "_rebuild_tensor_v2"),
                   {id + "Q", pkl::integer(first), pkl::integers(shape), pkl::integers(strides),
                    "\x89", pkl::call(pkl::global("collections", "OrderedDict"), {})});
}

inline uint32_t fake_crc32(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320U & (0U - (crc & 1U)));
  }
  return crc ^ 0xFFFFFFFF;
}

struct FakeRecord {
  std::string name;
  std::string data;
  uint16_t method = 0;
  uint16_t flags = 0;
  int64_t unpacked = -1;  ///< size before compression; -1: as stored
  int64_t checksum = -1;  ///< of the unpacked data; -1: of the data
};

/// The record in deflate's form without compression: one block that is stored as it is.
inline FakeRecord deflated(const FakeRecord& record) {
  FakeRecord packed = record;
  packed.method = 8;
  packed.unpacked = static_cast<int64_t>(record.data.size());
  packed.checksum = fake_crc32(record.data);
  packed.data = "\x01" + le(record.data.size(), 2) + le(~record.data.size(), 2) + record.data;
  return packed;
}

struct ZipOptions {
  bool checksums = true;
  bool zip64 = false;  ///< sizes, offsets and the directory's place in their 64-bit forms
  size_t alignment = 64;
};

/// A zip archive, each record's data padded to the alignment as torch pads it.
inline std::string zip_file(const std::vector<FakeRecord>& records,
                            const ZipOptions& options = {}) {
  std::string file;
  std::string directory;
  for (const FakeRecord& record : records) {
    const uint64_t header = file.size();
    const size_t begin = header + 30 + record.name.size();
    const size_t padding =
        (options.alignment - (begin + 4) % options.alignment) % options.alignment;
    const uint64_t packed = record.data.size();
    const uint64_t unpacked = record.unpacked < 0 ? packed : static_cast<uint64_t>(record.unpacked);
    uint64_t checksum = options.checksums ? fake_crc32(record.data) : 0;
    if (record.checksum >= 0) checksum = static_cast<uint64_t>(record.checksum);
    const std::string common =
        le(record.flags, 2) + le(record.method, 2) + le(0, 4) + le(checksum, 4);
    const std::string sizes = le(packed, 4) + le(unpacked, 4);
    file += le(0x04034b50, 4) + le(20, 2) + common + sizes + le(record.name.size(), 2) +
            le(padding + 4, 2) + record.name + "FB" + le(padding, 2) + std::string(padding, 'Z') +
            record.data;
    const std::string extra =
        options.zip64 ? le(1, 2) + le(24, 2) + le(unpacked, 8) + le(packed, 8) + le(header, 8) : "";
    directory += le(0x02014b50, 4) + le(20, 2) + le(20, 2) + common +
                 (options.zip64 ? le(UINT64_MAX, 8) : sizes) + le(record.name.size(), 2) +
                 le(extra.size(), 2) + le(0, 2) + le(0, 8) +
                 (options.zip64 ? le(UINT32_MAX, 4) : le(header, 4)) + record.name + extra;
  }
  const uint64_t at = file.size();
  const uint64_t count = records.size();
  file += directory;
  if (options.zip64) {
    const uint64_t end64 = file.size();
    file += le(0x06064b50, 4) + le(44, 8) + le(45, 2) + le(45, 2) + le(0, 8) + le(count, 8) +
            le(count, 8) + le(directory.size(), 8) + le(at, 8);
    file += le(0x07064b50, 4) + le(0, 4) + le(end64, 8) + le(1, 4);
    return file + le(0x06054b50, 4) + le(0, 4) + le(0xFFFF, 2) + le(0xFFFF, 2) + le(UINT32_MAX, 4) +
           le(UINT32_MAX, 4) + le(0, 2);
  }
  return file + le(0x06054b50, 4) + le(0, 4) + le(count, 2) + le(count, 2) +
         le(directory.size(), 4) + le(at, 4) + le(0, 2);
}

/// The records of a checkpoint as torch.save writes them.
inline std::vector<FakeRecord> torch_records(const std::string& pickle,
                                             const std::vector<FakeStorage>& storages,
                                             const std::string& folder = "archive") {
  std::vector<FakeRecord> records = {{folder + "/data.pkl", pickle},
                                     {folder + "/byteorder", "little"}};
  for (const FakeStorage& storage : storages) {
    records.push_back({folder + "/data/" + storage.key, storage.data});
  }
  records.push_back({folder + "/version", "3\n"});
  return records;
}

/// The older stream: magic number, version, machine, object, keys, storages.
inline std::string legacy_file(const std::string& pickle, const std::vector<FakeStorage>& storages,
                               bool little_endian = true) {
  std::vector<std::string> keys;
  for (const FakeStorage& storage : storages) keys.push_back(pkl::text(storage.key));
  const std::string magic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
  std::string file =
      pkl::whole(magic) + pkl::whole(pkl::integer(1001)) +
      pkl::whole(pkl::dict({{pkl::text("protocol_version"), pkl::integer(1001)},
                            {pkl::text("little_endian"), little_endian ? "\x88" : "\x89"}})) +
      pickle + pkl::whole(pkl::list(keys));
  for (const FakeStorage& storage : storages) {
    file += le(static_cast<uint64_t>(storage.numel), 8) + storage.data;
  }
  return file;
}

inline std::string safetensors_file(const std::string& header, const std::string& data) {
  return le(header.size(), 8) + header + data;
}

/// A .safetensors file of one float, 0, under each of these names.
inline std::string safetensors_of(const std::vector<std::string>& names) {
  std::string header;
  for (size_t i = 0; i < names.size(); ++i) {
    header += (i == 0 ? "{\"" : ",\"") + names[i] +
              R"(":{"dtype":"F32","shape":[1],"data_offsets":[)" + std::to_string(4 * i) + "," +
              std::to_string(4 * i + 4) + "]}";
  }
  return safetensors_file(header + "}", std::string(4 * names.size(), '\0'));
}

/// A small sound checkpoint: two weights on one storage, one on its own, a callback of an unknown
/// class, a step counter.
struct SmallCheckpoint {
  std::vector<FakeStorage> storages = {floats("0", {0, 1, 2, 3, 4, 5}),
                                       {"1", "HalfStorage", raw<uint16_t>({0x3C00, 0xC000}), 2}};
  std::string pickle = pkl::whole(
      pkl::dict({{pkl::text("global_step"), pkl::integer(7)},
                 {pkl::text("callbacks"),
                  pkl::dict({{pkl::global("some.module", "Callback"), pkl::integer(1)}})},
                 {pkl::text("state_dict"),
                  pkl::dict({{pkl::text("a.weight"), tensor(storages[0], 0, {2, 3}, {3, 1})},
                             {pkl::text("a.column"), tensor(storages[0], 1, {2}, {3})},
                             {pkl::text("b.weight"), tensor(storages[1], 0, {2}, {1})}})}}));

  std::string as_zip(const ZipOptions& options = {}) const {
    return zip_file(torch_records(pickle, storages), options);
  }
  std::string as_legacy() const { return legacy_file(pickle, storages); }
  static std::string as_safetensors() {
    return safetensors_file(R"({"__metadata__":{"format":"pt"},)"
                            R"("a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                            R"("b.weight":{"dtype":"F16","shape":[2],"data_offsets":[24,28]}})",
                            raw<float>({0, 1, 2, 3, 4, 5}) + raw<uint16_t>({0x3C00, 0xC000}));
  }
};

/// A file that is gone when the object is.
class TempFile {
 public:
  explicit TempFile(const std::string& bytes, const std::string& suffix = ".ckpt") {
    static int count = 0;
    path_ = (std::filesystem::temp_directory_path() /
             ("sd-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + suffix))
                .string();
    write(bytes);
  }
  ~TempFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  const std::string& path() const { return path_; }

  /// Replaces the contents by a new file, so that older mappings keep theirs.
  void write(std::string_view bytes) const {
    std::filesystem::remove(path_);
    std::ofstream out(path_, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  std::string path_;
};

}  // namespace sd::test
