#include "weights/formats/writers.h"

#include <zlib.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/new_file.h"
#include "base/strings.h"
#include "sd/error.h"
#include "weights/tensor_info.h"

namespace sd::weights {
namespace {

constexpr uint32_t kNotIn32Bits = 0xFFFFFFFF;

std::string in_little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value & 0xFF);
  return text;
}

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text.append(part);
  return text;
}

struct DtypeNames {
  at::ScalarType dtype;
  const char* safetensors;
  const char* torch_storage;
};
constexpr DtypeNames kWrittenDtypes[] = {{at::kFloat, "F32", "FloatStorage"},
                                         {at::kHalf, "F16", "HalfStorage"},
                                         {at::kLong, "I64", "LongStorage"}};

const DtypeNames& names_of(at::ScalarType dtype) {
  for (const DtypeNames& names : kWrittenDtypes) {
    if (names.dtype == dtype) return names;
  }
  throw Error(ErrorKind::kInternal, "no writer for the dtype " + dtype_name(dtype));
}

std::string bytes_of(const TensorToWrite& tensor) {
  std::string bytes(tensor.bytes(), '\0');
  tensor.fill(bytes.data());
  return bytes;
}

/// A new checkpoint; a name that is taken is refused before gigabytes are written, too.
class CheckpointFile {
 public:
  explicit CheckpointFile(const std::string& path) : path_(path), file_(untaken(path)) {}

  void write(std::string_view bytes) { file_.write(bytes); }
  uint64_t position() const { return file_.position(); }
  void finish() {
    if (!file_.finish()) refuse(path_);
  }

 private:
  static const std::string& untaken(const std::string& path) {
    if (name_is_taken(path)) refuse(path);
    return path;
  }
  [[noreturn]] static void refuse(const std::string& path) {
    throw Error(ErrorKind::kFile, printable(path) + " is already there",
                "choose another name, or remove the file");
  }

  std::string path_;
  NewFile file_;
};

/// A zip of stored members, as torch.save lays it out.
class ZipWriter {
 public:
  explicit ZipWriter(const std::string& path) : file_(path) {}

  void add(const std::string& name, const std::string& content) {
    Member member{name, static_cast<uint32_t>(crc32_z(0, data_of(content), content.size())),
                  content.size(), file_.position()};
    if (content.size() >= kNotIn32Bits) {
      throw Error(ErrorKind::kInternal, "a tensor of 4 GiB or more cannot be written to a zip");
    }
    file_.write(concat({"PK\x03\x04", common_fields(member)}));
    // An extra field of zeros pads the data to a multiple of 64 bytes.
    constexpr uint64_t kAlignment = 64;
    constexpr uint64_t kFieldHeader = 4;
    const uint64_t unpadded = file_.position() + 4 + name.size() + kFieldHeader;
    const uint64_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
    file_.write(in_little_endian(name.size(), 2) + in_little_endian(kFieldHeader + padding, 2) +
                name);
    file_.write(concat({"FB", in_little_endian(padding, 2), std::string(padding, 'Z')}));
    file_.write(content);
    members_.push_back(std::move(member));
  }

  void finish() {
    const uint64_t start = file_.position();
    for (const Member& member : members_) write_directory_entry(member);
    write_end(start, file_.position() - start);
    file_.finish();
  }

 private:
  struct Member {
    std::string name;
    uint32_t crc;
    uint64_t size;
    uint64_t offset;
  };

  static const Bytef* data_of(const std::string& content) {
    return reinterpret_cast<const Bytef*>(content.data());
  }

  /// Version needed, flags, method (stored), time, date, crc, both sizes.
  static std::string common_fields(const Member& member) {
    return in_little_endian(45, 2) + in_little_endian(0, 8) + in_little_endian(member.crc, 4) +
           in_little_endian(member.size, 4) + in_little_endian(member.size, 4);
  }

  void write_directory_entry(const Member& member) {
    const bool far = member.offset >= kNotIn32Bits;
    const std::string extra =
        far ? in_little_endian(1, 2) + in_little_endian(8, 2) + in_little_endian(member.offset, 8)
            : "";
    file_.write(
        concat({"PK\x01\x02", in_little_endian(45, 2), common_fields(member),
                in_little_endian(member.name.size(), 2), in_little_endian(extra.size(), 2),
                in_little_endian(0, 10), in_little_endian(far ? kNotIn32Bits : member.offset, 4),
                member.name, extra}));
  }

  void write_end(uint64_t start, uint64_t size) {
    const uint64_t count = members_.size();
    const uint64_t end64 = file_.position();
    file_.write(concat({"PK\x06\x06", in_little_endian(44, 8), in_little_endian(45, 2),
                        in_little_endian(45, 2), in_little_endian(0, 8), in_little_endian(count, 8),
                        in_little_endian(count, 8), in_little_endian(size, 8),
                        in_little_endian(start, 8)}));
    file_.write(concat({"PK\x06\x07", in_little_endian(0, 4), in_little_endian(end64, 8),
                        in_little_endian(1, 4)}));
    const std::string count16 = in_little_endian(std::min<uint64_t>(count, 0xFFFF), 2);
    file_.write(concat({"PK\x05\x06", in_little_endian(0, 4), count16, count16,
                        in_little_endian(std::min<uint64_t>(size, kNotIn32Bits), 4),
                        in_little_endian(std::min<uint64_t>(start, kNotIn32Bits), 4),
                        in_little_endian(0, 2)}));
  }

  CheckpointFile file_;
  std::vector<Member> members_;
};

// Fragments of a pickle of protocol 2.
std::string pickled_text(const std::string& text) {
  return concat({"X", in_little_endian(text.size(), 4), text});
}
std::string pickled_integer(int64_t value) {
  return concat({"\x8a\x08", in_little_endian(static_cast<uint64_t>(value), 8)});
}
std::string pickled_integers(const std::vector<int64_t>& values) {
  std::string text = "(";
  for (const int64_t value : values) text += pickled_integer(value);
  return text + "t";
}
constexpr std::string_view kEmptyOrderedDict = "ccollections\nOrderedDict\n)R";

/// torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())
std::string pickled_tensor(const TensorToWrite& tensor, size_t key) {
  const std::string storage =
      concat({"(", pickled_text("storage"), "ctorch\n", names_of(tensor.dtype).torch_storage, "\n",
              pickled_text(std::to_string(key)), pickled_text("cpu"),
              pickled_integer(tensor.numel()), "tQ"});
  return concat({"ctorch._utils\n_rebuild_tensor_v2\n(", storage, pickled_integer(0),
                 pickled_integers(tensor.shape), pickled_integers(contiguous_strides(tensor.shape)),
                 "\x89", kEmptyOrderedDict, "tR"});
}

}  // namespace

int64_t TensorToWrite::numel() const {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

uint64_t TensorToWrite::bytes() const {
  return static_cast<uint64_t>(numel()) * c10::elementSize(dtype);
}

void write_safetensors(const std::string& path, const std::vector<TensorToWrite>& tensors) {
  nlohmann::json header = nlohmann::json::object();
  uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    header[tensor.name] = {{"dtype", names_of(tensor.dtype).safetensors},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.bytes()}}};
    offset += tensor.bytes();
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // aligns the data
  CheckpointFile file(path);
  file.write(in_little_endian(text.size(), 8) + text);
  for (const TensorToWrite& tensor : tensors) file.write(bytes_of(tensor));
  file.finish();
}

void write_torch_checkpoint(const std::string& path, const std::vector<TensorToWrite>& tensors,
                            int64_t global_step) {
  std::string pickle = concat({"\x80\x02}(", pickled_text("state_dict"), kEmptyOrderedDict, "("});
  for (size_t i = 0; i < tensors.size(); ++i) {
    pickle += concat({pickled_text(tensors[i].name), pickled_tensor(tensors[i], i)});
  }
  pickle += concat({"u", pickled_text("global_step"), pickled_integer(global_step), "u."});
  ZipWriter zip(path);
  zip.add("archive/data.pkl", pickle);
  for (size_t i = 0; i < tensors.size(); ++i) {
    zip.add("archive/data/" + std::to_string(i), bytes_of(tensors[i]));
  }
  zip.add("archive/version", "3\n");
  zip.finish();
}

}  // namespace sd::weights
