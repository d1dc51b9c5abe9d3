// Damaged checkpoints: cut short at every length, with bytes flipped, and built to be costly. Each
// must give an sd::Error or load with every tensor inside the file; the sanitizers see the rest.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <random>

#include "allocation_count.h"
#include "models/inspect.h"
#include "sd/error.h"
#include "support/checkpoint_writer.h"
#include "support/golden.h"
#include "weights/weight_view.h"

namespace sd {
using namespace models;
using namespace weights;

namespace {

using namespace test;

/// A sound file costs a few times its index; no file may cost more than this.
constexpr size_t kBytesPerByte = 64;
constexpr size_t kFixedBytes = size_t{256} << 10;

/// Seconds: far more than the slowest takes, so that a busy machine does not fail the test.
constexpr double kHang = 60;

/// How many bytes of each part of a large file are changed. A sanitized build is ten times slower.
#ifdef __SANITIZE_ADDRESS__
constexpr int kLargeRounds = 60;
#else
constexpr int kLargeRounds = 250;
#endif

/// What a run of damaged files did.
struct Tally {
  size_t loaded = 0;
  size_t refused = 0;
  size_t peak = 0;
  double slowest = 0;  // seconds

  void print(const std::string& what) const {
    std::printf("%-40s %6zu refused %6zu loaded, peak %7zu kB, slowest %5.1f ms\n", what.c_str(),
                refused, loaded, peak / 1024, slowest * 1e3);
  }
};

/// Every tensor inside the file or a packed run of it, and none larger.
void check_tensors(const Checkpoint& checkpoint, uint64_t file_bytes, bool materialise) {
  const WeightView root(std::shared_ptr<const Checkpoint>(&checkpoint, [](const auto*) {}));
  uint64_t inflated = 0;
  for (const PackedRun& run : checkpoint.contents().packed) {
    ASSERT_LE(run.offset, file_bytes) << run.name;
    ASSERT_LE(run.stored_bytes, file_bytes - run.offset) << run.name;
    inflated += run.bytes;
  }
  ASSERT_LE(inflated, 32 * file_bytes);
  for (const TensorInfo& info : checkpoint.index()) {
    if (!info.foreign.empty()) continue;
    const uint64_t all = info.packed < 0
                             ? file_bytes
                             : checkpoint.contents().packed[static_cast<size_t>(info.packed)].bytes;
    ASSERT_LE(info.offset, all) << info.name;
    ASSERT_LE(info.bytes, all - info.offset) << info.name;
    ASSERT_LE(static_cast<uint64_t>(info.numel()), std::max(all, file_bytes)) << info.name;
    const bool is_weight = unreadable_kind(checkpoint, info).empty();
    if (materialise && is_weight) root.get(info.name, info.shape);
  }
  ASSERT_FALSE(root.report().failed());
}

/// Opens and inspects the file, and fails the test for anything but a load or an sd::Error.
void exercise(const std::string& path, uint64_t file_bytes, bool materialise, Tally* tally) {
  const auto begin = std::chrono::steady_clock::now();
  const AllocationCount allocations;
  try {
    const auto checkpoint = open_checkpoint(path);
    check_tensors(*checkpoint, file_bytes, materialise);
    ++tally->loaded;
  } catch (const Error& error) {
    const std::string message = error.what();
    ASSERT_TRUE(error.kind() == ErrorKind::kCheckpoint || error.kind() == ErrorKind::kFile);
    ASSERT_FALSE(message.empty() || message.find('\n') != std::string::npos) << message;
    ++tally->refused;
  }
  try {
    const Inspection inspection = inspect_file(path, false);
    ASSERT_FALSE(to_text(inspection).empty());
    ASSERT_FALSE(to_json(inspection).dump().empty());
  } catch (const Error&) {
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  tally->peak = std::max(tally->peak, allocations.peak());
  tally->slowest = std::max(tally->slowest, seconds.count());
  ASSERT_LE(allocations.peak(), kBytesPerByte * file_bytes + kFixedBytes);
  ASSERT_LT(seconds.count(), kHang);
}

/// A copy of a file whose bytes are changed and put back in place.
class DamagedFile {
 public:
  explicit DamagedFile(std::string bytes)
      : bytes_(std::move(bytes)), file_(bytes_), fd_(::open(file_.path().c_str(), O_RDWR)) {}
  ~DamagedFile() { ::close(fd_); }
  DamagedFile(const DamagedFile&) = delete;
  DamagedFile& operator=(const DamagedFile&) = delete;

  const std::string& path() const { return file_.path(); }
  const std::string& bytes() const { return bytes_; }
  void set(size_t at, char byte) const { ASSERT_EQ(::pwrite(fd_, &byte, 1, off_t(at)), 1); }
  void restore(size_t at) const { set(at, bytes_[at]); }
  void cut(size_t length) const { ASSERT_EQ(::ftruncate(fd_, off_t(length)), 0); }

 private:
  std::string bytes_;
  TempFile file_;
  int fd_;
};

/// Cuts at these lengths, longest first. No part of a file may pass for a whole one.
void cut_at(const DamagedFile& file, std::vector<size_t> lengths, const std::string& what) {
  std::sort(lengths.rbegin(), lengths.rend());
  Tally tally;
  for (const size_t length : lengths) {
    file.cut(length);
    exercise(file.path(), length, false, &tally);
    ASSERT_EQ(tally.loaded, 0U) << what << " cut at " << length;
    if (testing::Test::HasFatalFailure()) return;
  }
  tally.print(what + ", cut");
}

/// Changes the byte at `at` in three ways: one bit, all bits, any value.
void flip_byte(const DamagedFile& file, size_t at, bool materialise, std::mt19937& random,
               Tally* tally) {
  const int changes[] = {1 << random() % 8, 0xFF, 1 + static_cast<int>(random() % 255)};
  for (const int change : changes) {
    file.set(at, static_cast<char>(file.bytes()[at] ^ change));
    exercise(file.path(), file.bytes().size(), materialise, tally);
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "byte " << at << " changed by " << change;
  }
  file.restore(at);
}

struct SmallFile {
  std::string name;
  std::string bytes;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Tensors of kinds that are not read, beside one that is.
std::vector<SmallFile> files_with_foreign_tensors() {
  const FakeStorage plain = floats("0", {1, 2});
  const FakeStorage complex{"1", "ComplexFloatStorage", std::string(16, 'c'), 2};
  const std::string sparse =
      pkl::call(pkl::global("torch._utils", "_rebuild_sparse_tensor"),
                {pkl::global("torch", "sparse_coo"),
                 pkl::tuple({tensor(plain, 0, {1, 1}, {1, 1}), tensor(plain, 1, {1}, {1})})});
  const std::string pickle =
      pkl::whole(pkl::dict({{pkl::text("plain"), tensor(plain, 0, {2}, {1})},
                            {pkl::text("complex"), tensor(complex, 0, {2}, {1})},
                            {pkl::text("sparse"), sparse}}));
  const std::string header =
      R"({"__metadata__":null,"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F4","shape":[4],"more":[{"x":1}],"data_offsets":[8,10]},)"
      R"("c":{"dtype":"NEW","shape":[9],"data_offsets":[10,12]}})";
  return {{"zip with foreign tensors", zip_file(torch_records(pickle, {plain, complex}))},
          {"legacy with foreign tensors", legacy_file(pickle, {plain, complex})},
          {"safetensors with foreign tensors", safetensors_file(header, std::string(12, 'd'))}};
}

std::vector<SmallFile> small_files() {
  const SmallCheckpoint small;
  std::vector<SmallFile> files = {
      {"zip", small.as_zip({.alignment = 8})},
      {"zip without checksums", small.as_zip({.checksums = false, .alignment = 8})},
      {"zip64", small.as_zip({.checksums = false, .zip64 = true, .alignment = 8})},
      {"legacy", small.as_legacy()},
      {"safetensors", SmallCheckpoint::as_safetensors()}};
  auto records = torch_records(small.pickle, small.storages);
  records[0] = deflated(records[0]);
  records[0].checksum = 0;
  files.push_back({"zip with a deflated index", zip_file(records, {.checksums = false})});
  for (FakeRecord& record : records) {
    if (record.method == 0) record = deflated(record);
  }
  files.push_back({"zip with everything deflated", zip_file(records)});
  const auto foreign = files_with_foreign_tensors();
  files.insert(files.end(), foreign.begin(), foreign.end());
  for (const char* name : {"zip-p4.ckpt", "legacy-p1.ckpt", "legacy-p2.ckpt", "legacy-p4.ckpt"}) {
    files.push_back({name, read_file(SD_SOURCE_DIR "/tests/data/weights/" + std::string(name))});
  }
  return files;
}

TEST(DamagedSmallFiles, CutAtEveryLength) {
  for (const SmallFile& small : small_files()) {
    ASSERT_GT(small.bytes.size(), 100U) << small.name;
    std::vector<size_t> lengths(small.bytes.size());
    for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = i;
    cut_at(DamagedFile(small.bytes), lengths, small.name);
  }
}

TEST(DamagedSmallFiles, EveryByteFlipped) {
  std::mt19937 random(1);
  for (const SmallFile& small : small_files()) {
    const DamagedFile file(small.bytes);
    Tally tally;
    for (size_t at = 0; at < small.bytes.size(); ++at) {
      flip_byte(file, at, true, random, &tally);
      if (HasFatalFailure()) return;
    }
    tally.print(small.name + ", one byte flipped");
  }
}

/// Other bytes may follow a zip archive. (Cut, such a file is sound.)
TEST(DamagedSmallFiles, BytesBehindAnArchiveFlipped) {
  std::mt19937 random(4);
  const std::string tail = "PK\x05\x06" + std::string(40, '\0') + "PK\x06\x07" + "tail";
  const DamagedFile file(SmallCheckpoint().as_zip({.alignment = 8}) + tail);
  Tally tally;
  for (size_t at = file.bytes().size() - 200; at < file.bytes().size(); ++at) {
    flip_byte(file, at, true, random, &tally);
    if (HasFatalFailure()) return;
  }
  tally.print("zip with bytes behind it, one byte flipped");
}

TEST(DamagedSmallFiles, SeveralBytesFlipped) {
  std::mt19937 random(2);
  for (const SmallFile& small : small_files()) {
    const DamagedFile file(small.bytes);
    Tally tally;
    for (int round = 0; round < 2000; ++round) {
      std::vector<size_t> places(2 + random() % 6);
      for (size_t& at : places) at = random() % small.bytes.size();
      for (const size_t at : places) file.set(at, static_cast<char>(random()));
      exercise(file.path(), small.bytes.size(), true, &tally);
      ASSERT_FALSE(HasFatalFailure()) << small.name << ", round " << round;
      for (const size_t at : places) file.restore(at);
    }
    tally.print(small.name + ", several bytes flipped");
  }
}

/// A run of bytes where damage is put.
struct Region {
  size_t begin, end;
};

/// Lengths around the ends of the regions, and evenly between.
std::vector<size_t> lengths_around(const std::vector<Region>& regions, size_t size) {
  std::vector<size_t> lengths;
  for (size_t i = 0; i < 300; ++i) lengths.push_back(size / 300 * i);
  for (size_t i = 1; i <= 100; ++i) lengths.push_back(size - i);
  for (const Region& region : regions) {
    for (const size_t edge : {region.begin, region.end}) {
      for (size_t i = 0; i < 40; ++i) {
        if (edge + i >= 20 && edge + i - 20 < size) lengths.push_back(edge + i - 20);
      }
    }
  }
  return lengths;
}

/// The pickle and the central directory of a zip archive. The pickle's checksum is taken out of
/// the directory, so that damage gets past it.
std::vector<Region> open_up_zip(std::string* bytes) {
  const size_t end = bytes->rfind("PK\x05\x06");
  uint32_t directory = 0;
  std::memcpy(&directory, bytes->data() + end + 16, sizeof directory);
  const size_t name = bytes->find("data.pkl", directory);
  const size_t entry = bytes->rfind("PK\x01\x02", name);
  uint32_t size = 0;
  std::memcpy(&size, bytes->data() + entry + 24, sizeof size);
  bytes->replace(entry + 16, 4, 4, '\0');
  const size_t pickle = bytes->find("\x80\x02}");
  return {{pickle, pickle + size}, {directory, bytes->size()}};
}

void damage_large(const std::string& name, std::string bytes, const std::vector<Region>& regions) {
  const DamagedFile file(std::move(bytes));
  std::mt19937 random(3);
  Tally tally;
  for (const Region& region : regions) {
    for (int round = 0; round < kLargeRounds; ++round) {
      flip_byte(file, region.begin + random() % (region.end - region.begin), false, random, &tally);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  tally.print(name + ", one byte flipped");
  cut_at(file, lengths_around(regions, file.bytes().size()), name);
}

TEST(DamagedReferenceFiles, CutAndFlipped) {
  SD_NEEDS_REFERENCE();
  for (const char* name : {"sd-tiny-fp16.ckpt", "sd-tiny.ckpt", "safety-tiny/pytorch_model.bin"}) {
    std::string bytes = read_file((reference_dir() / "ckpt" / name).string());
    const std::vector<Region> regions = open_up_zip(&bytes);
    damage_large(name, std::move(bytes), regions);
    if (HasFatalFailure()) return;
  }
  std::string bytes = read_file((reference_dir() / "ckpt/sd-tiny.safetensors").string());
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  damage_large("sd-tiny.safetensors", std::move(bytes), {{0, 16}, {8, 8 + header}});
}

std::string repeat(const std::string& piece, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += piece;
  return all;
}

/// A dict of `count` weights with names of two bytes, all given by the same memo entry.
std::string weights_from_memo(const std::string& value, size_t count) {
  std::string entries = value + "q\xC8}(";
  for (size_t i = 0; i < count; ++i) entries += "U\x02" + le(i, 2) + "h\xC8";
  return entries + "u";
}

/// Runs pickles as the only one of a zip archive.
void exercise_pickles(const std::vector<SmallFile>& pickles, const FakeStorage& storage) {
  for (const SmallFile& pickle : pickles) {
    const TempFile file(zip_file(torch_records("\x80\x02" + pickle.bytes + ".", {storage})));
    Tally tally;
    exercise(file.path(), std::filesystem::file_size(file.path()), false, &tally);
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << pickle.name;
    tally.print("costly: " + pickle.name);
  }
}

/// Every byte is made to cost as much memory as it can.
TEST(CostlyFiles, StayWithinTheirMeans) {
  const FakeStorage storage = floats("0", {1});
  const std::vector<int64_t> ones(8, 1);
  const std::string sound = tensor(storage, 0, ones, ones);
  const std::string outside = tensor(storage, 9, ones, ones);
  exercise_pickles(
      {
          {"lists", repeat("]", 400'000)},
          {"lists in lists", repeat("]", 400'000) + repeat("a", 399'999)},
          {"marks", repeat("(", 400'000)},
          {"nothings", repeat("N", 400'000)},
          {"tuples", "N" + repeat("\x85", 400'000)},
          {"sets", "\x8f" + repeat("N\x85", 200'000)},
          {"globals", repeat("c\n\n", 130'000)},
          {"calls", repeat("c\n\n)R", 80'000)},
          {"items one by one", "}" + repeat("NNs", 130'000)},
          {"memo", "N" + repeat("\x94", 400'000)},
          {"far memo", repeat("N", 399'990) + "r" + le(399'000, 4)},
          {"weights", weights_from_memo(sound, 60'000)},
          {"weights outside their storage", weights_from_memo(outside, 60'000)},
      },
      storage);
}

/// A long text that is used many times must not cost its length each time.
TEST(CostlyFiles, StayWithinTheirTime) {
  const std::string text = pkl::text(std::string(400'000, 'x'));
  const auto memo = [](const std::string& value, uint8_t at) {
    return value + "q" + le(at, 1) + "0";
  };
  FakeStorage far = floats("0", {1});
  far.key = std::string(400'000, 'k');
  exercise_pickles(
      {
          {"long names", memo(text, 0) + memo(text, 1) + "}(" +
                             repeat(std::string("h\x00Nh\x01N", 6), 60'000) + "u"},
          {"long keys", weights_from_memo(tensor(far, 0, {1}, {1}), 60'000)},
          {"long globals",
           memo(text, 0) + memo(std::string("h\0h\0\x93", 5), 1) + repeat("h\x01)R", 90'000)},
          {"long ordered dicts", memo(text, 0) + repeat(pkl::global("collections", "OrderedDict") +
                                                            std::string("h\0\x85R", 4),
                                                        10'000)},
      },
      floats("0", {1}));
}

/// Records of zeros that deflate to a thousandth.
TEST(CostlyFiles, DeflateBombs) {
  const auto bomb = [](const std::string& name, const std::string& data) {
    uLongf size = compressBound(data.size());
    std::string packed(size, '\0');
    z_stream stream = {};
    deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
    stream.avail_in = static_cast<uInt>(data.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return FakeRecord{name, packed, 8, 0, static_cast<int64_t>(data.size()), fake_crc32(data)};
  };
  constexpr size_t kBytes = size_t{20} << 20;
  const FakeStorage storage{"0", "FloatStorage", std::string(kBytes, '\0'), kBytes / 4};
  const std::string pickle =
      pkl::whole(pkl::dict({{pkl::text("w"), tensor(storage, 0, {kBytes / 4}, {1})}}));
  auto weights = torch_records(pickle, {storage});
  weights[2] = bomb("archive/data/0", storage.data);
  auto index = torch_records(pickle, {floats("0", {1})});
  index[0] = bomb("archive/data.pkl", std::string(kBytes, 'N'));
  for (const auto& records : {weights, index}) {
    const TempFile file(zip_file(records));
    Tally tally;
    exercise(file.path(), std::filesystem::file_size(file.path()), true, &tally);
    ASSERT_EQ(tally.refused, 1U);
  }
}

TEST(CostlyFiles, DeepJson) {
  for (const std::string piece : {"{\"a\":", "[", "{\"__metadata__\":{", "{\"a\":{\"shape\":[",
                                  "{\"a\":{\"more\":[", "{\"a\":{\"more\":{\"x\":"}) {
    std::string header;
    while (header.size() < 400'000) header += piece;
    const TempFile file(safetensors_file(header[0] == '{' ? header : "{" + header, ""));
    Tally tally;
    exercise(file.path(), std::filesystem::file_size(file.path()), false, &tally);
    ASSERT_EQ(tally.refused, 1U);
  }
}

}  // namespace
}  // namespace sd
