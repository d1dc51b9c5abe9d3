// The two torch formats and safetensors, over files that the test writes itself.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/checkpoint_writer.h"
#include "support/expect_error.h"
#include "weights/checkpoint.h"
#include "weights/formats/safetensors.h"
#include "weights/formats/torch_legacy.h"
#include "weights/formats/torch_zip.h"

namespace sd {
using namespace weights;

namespace {

using namespace test;  // the writers

std::vector<float> values(const Checkpoint& checkpoint, std::string_view name) {
  const at::Tensor flat =
      checkpoint.tensor(*checkpoint.find(name)).to(at::kFloat).contiguous().view(-1);
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

void expect_small(const std::string& bytes, const std::string& format) {
  const TempFile file(bytes);
  const auto checkpoint = open_checkpoint(file.path());
  EXPECT_EQ(checkpoint->format(), format);
  EXPECT_EQ(checkpoint->global_step(), 7);
  EXPECT_EQ(values(*checkpoint, "a.weight"), std::vector<float>({0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values(*checkpoint, "a.column"), std::vector<float>({1, 4}));
  EXPECT_EQ(values(*checkpoint, "b.weight"), std::vector<float>({1, -2}));
  EXPECT_EQ(checkpoint->find("c"), nullptr);
}

void refuses(const std::string& bytes, const std::string& part) {
  const TempFile file(bytes);
  expect_error(ErrorKind::kCheckpoint, part, [&] { open_checkpoint(file.path()); });
}

/// A checkpoint whose one weight is given as a fragment of its pickle.
std::string zip_with(const std::string& value, const std::vector<FakeStorage>& storages) {
  return zip_file(torch_records(pkl::whole(pkl::dict({{pkl::text("w"), value}})), storages));
}

TEST(TorchZip, ReadsEveryFormOfArchive) {
  const SmallCheckpoint small;
  expect_small(small.as_zip(), "torch zip");
  expect_small(small.as_zip({.zip64 = true}), "torch zip");
  expect_small(small.as_zip({.checksums = false}), "torch zip");
  expect_small(small.as_zip({.alignment = 1}), "torch zip");  // misaligned data is copied
  expect_small(zip_file(torch_records(small.pickle, small.storages, "sd-v1-4")), "torch zip");
}

TEST(TorchZip, SharesAlignedPagesAndCopiesOthers) {
  const SmallCheckpoint small;
  const auto shares = [&](const std::string& bytes) {
    const TempFile file(bytes);
    const auto checkpoint = open_checkpoint(file.path());
    const TensorInfo& info = *checkpoint->find("a.weight");
    return checkpoint->tensor(info).data_ptr() == checkpoint->tensor(info).data_ptr();
  };
  EXPECT_TRUE(shares(small.as_zip()));
  ZipOptions odd{.alignment = 1};
  // Names of odd length shift the data until it is misaligned for f32.
  bool copied = false;
  for (int length = 1; length <= 4; ++length) {
    copied =
        copied || !shares(zip_file(
                      torch_records(small.pickle, small.storages, std::string(length, 'x')), odd));
  }
  EXPECT_TRUE(copied);
}

TEST(TorchZip, KeepsTheMappingAliveForATensor) {
  at::Tensor tensor;
  {
    const TempFile file(SmallCheckpoint().as_zip());
    const auto checkpoint = open_checkpoint(file.path());
    tensor = checkpoint->tensor(*checkpoint->find("a.weight"));
  }
  EXPECT_EQ(tensor.sum().item<float>(), 15);
}

TEST(TorchZip, NamesADamagedRecord) {
  const SmallCheckpoint small;
  const auto records = torch_records(small.pickle, small.storages);
  const auto with = [&](size_t index, auto change) {
    auto changed = records;
    change(changed[index]);
    return zip_file(changed);
  };
  refuses(with(0, [](FakeRecord& r) { r.method = 8; }), "data.pkl to inflate");
  refuses(with(2, [](FakeRecord& r) { r.method = 12; }), "data/0, found packing method 12: unpack");
  refuses(with(2, [](FakeRecord& r) { r.flags = 1; }), "encrypted");
  refuses(with(1, [](FakeRecord& r) { r.data = "big"; }), "found byte order \"big\"");
  refuses(with(2, [](FakeRecord& r) { r.data.pop_back(); }), "a.weight: expected 6 elements");
  refuses(with(2, [](FakeRecord& r) { r.name = "archive/data/9"; }), "data/0, found none");
  refuses(with(3, [](FakeRecord& r) { r.name = "archive/data/0"; }), "each name once");
  refuses(with(0, [](FakeRecord& r) { r.name = "archive/model.json"; }), "data.pkl");
  std::string bytes = small.as_zip();
  bytes[bytes.find("global_step")] = 'G';
  refuses(bytes, "checksum");
  refuses(small.as_zip().substr(0, 500), "zip directory");
}

/// What an archiver makes of an unpacked checkpoint: everything deflated.
std::vector<FakeRecord> deflated_records() {
  const SmallCheckpoint small;
  auto records = torch_records(small.pickle, small.storages);
  records.push_back({"archive/data/padding", std::string(4096, 'x')});
  for (FakeRecord& record : records) record = deflated(record);
  return records;
}

TEST(TorchZip, InflatesWhatAnArchiverDeflated) {
  expect_small(zip_file(deflated_records()), "torch zip");
  const TempFile file(zip_file(deflated_records()));
  const auto checkpoint = open_checkpoint(file.path());
  EXPECT_FALSE(checkpoint->is_mapped());
  EXPECT_EQ(checkpoint->find("a.weight")->packed, checkpoint->find("a.column")->packed);
  at::Tensor kept = checkpoint->tensor(*checkpoint->find("b.weight"));
  EXPECT_EQ(kept.sum().item<float>(), -1);
}

TEST(TorchZip, BoundsWhatIsInflated) {
  auto records = deflated_records();
  records[0].unpacked *= 1000;
  refuses(zip_file(records), "less than the file's size");
  records[0].unpacked = 10;
  refuses(zip_file(records), "to its stated size");
  records = deflated_records();
  records[2].unpacked = int64_t{1} << 31;
  refuses(zip_file(records), "a.column: expected all tensors to inflate to at most 32 times");
}

TEST(TorchZip, NamesADamagedRunWhenItIsRead) {
  const auto refuses_weight = [](const std::vector<FakeRecord>& records, const std::string& part) {
    const TempFile file(zip_file(records));
    const auto checkpoint = open_checkpoint(file.path());
    expect_error(ErrorKind::kCheckpoint, part,
                 [&] { checkpoint->tensor(*checkpoint->find("a.weight")); });
  };
  auto records = deflated_records();
  records[2].checksum ^= 1;
  refuses_weight(records, "checksum of the zip entry archive/data/0");
  records = deflated_records();
  records[2].data[0] = 7;  // no kind of block
  refuses_weight(records, "archive/data/0 to inflate");
  records = deflated_records();
  records[2].data += "more";
  records[2].unpacked += 4;
  refuses_weight(records, "archive/data/0 to inflate");
}

TEST(TorchZip, FindsTheDirectoryBeforeOtherBytes) {
  const std::string sound = SmallCheckpoint().as_zip();
  expect_small(sound + std::string(100, '\0'), "torch zip");
  expect_small(sound + std::string(65536, 'x'), "torch zip");
  // Bytes that look like an end record, of an archive of their own.
  const std::string empty_end = le(0x06054b50, 4) + std::string(18, '\0');
  expect_small(sound + empty_end, "torch zip");
  expect_small(SmallCheckpoint().as_zip({.zip64 = true}) + empty_end + "xx", "torch zip");
  refuses(sound + std::string(200'000, 'x'), "expected a zip directory at the end");
}

TEST(TorchZip, ListsEveryProblemAtOnce) {
  const FakeStorage storage = floats("0", {1, 2});
  const std::string pickle =
      pkl::whole(pkl::dict({{pkl::text("first"), tensor(storage, 0, {3}, {1})},
                            {pkl::text("second"), tensor(storage, 2, {1}, {1})},
                            {pkl::text("sound"), tensor(storage, 0, {2}, {1})}}));
  const TempFile file(zip_file(torch_records(pickle, {storage})));
  try {
    open_checkpoint(file.path());
    FAIL() << "expected an error";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("first: expected its elements up to number 3"), std::string::npos);
    EXPECT_NE(message.find("second: "), std::string::npos);
    EXPECT_EQ(message.find("sound"), std::string::npos);
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(TorchPickle, ChecksEveryNumberOfATensor) {
  const FakeStorage storage = floats("0", std::vector<float>(12));
  const auto refuses_tensor = [&](int64_t first, const std::vector<int64_t>& shape,
                                  const std::vector<int64_t>& strides, const std::string& part) {
    refuses(zip_with(tensor(storage, first, shape, strides), {storage}), part);
  };
  const int64_t huge = int64_t{1} << 62;
  refuses_tensor(0, {13}, {1}, "up to number 13");
  refuses_tensor(-1, {1}, {1}, "expected an offset");
  refuses_tensor(huge, {1}, {1}, "up to number");
  refuses_tensor(0, {-1}, {1}, "expected an offset");
  refuses_tensor(0, {2}, {-1}, "expected an offset");
  refuses_tensor(0, {2}, {huge}, "fits in memory");
  refuses_tensor(0, {huge, huge}, {1, 1}, "fits in memory");
  refuses_tensor(0, {huge, huge, 0}, {1, 1, 1}, "fits in memory");
  refuses_tensor(0, {1 << 20}, {0}, "than the file has bytes for");  // one element, repeated
  refuses_tensor(0, {2, 2}, {1}, "expected an offset");
  refuses_tensor(0, std::vector<int64_t>(9, 1), std::vector<int64_t>(9, 1), "expected an offset");
  FakeStorage liar = storage;
  liar.numel = 1000;
  refuses(zip_with(tensor(liar, 0, {1}, {1}), {storage}),
          "expected 1000 elements in its storage, found bytes for 12");
  liar.numel = -1;
  refuses(zip_with(tensor(liar, 0, {1}, {1}), {storage}), "a key and a length");
}

/// One weight that can be read beside one that cannot, whose storage may not even be there.
void expect_foreign(const std::string& bytes, const std::string& holds) {
  SCOPED_TRACE(holds);
  const TempFile file(bytes);
  const auto checkpoint = open_checkpoint(file.path());
  EXPECT_EQ(values(*checkpoint, "sound"), std::vector<float>({1, 2}));
  ASSERT_NE(checkpoint->find("w"), nullptr);
  EXPECT_EQ(checkpoint->find("w")->foreign, holds);
  expect_error(ErrorKind::kCheckpoint,
               "cannot read w: expected numbers of a plain type, found " + holds,
               [&] { checkpoint->tensor(*checkpoint->find("w")); });
}

TEST(TorchPickle, KeepsTensorsOfOtherKindsThatNobodyAsksFor) {
  const FakeStorage plain = floats("0", {1, 2});
  const auto pickle = [&](const std::string& w) {
    return pkl::whole(
        pkl::dict({{pkl::text("sound"), tensor(plain, 0, {2}, {1})}, {pkl::text("w"), w}}));
  };
  const auto both = [&](const std::string& w, const FakeStorage& storage,
                        const std::string& holds) {
    expect_foreign(zip_file(torch_records(pickle(w), {plain, storage})), holds);
    expect_foreign(legacy_file(pickle(w), {plain, storage}), holds);
  };
  const std::vector<std::pair<const char*, size_t>> classes = {
      {"ComplexFloatStorage", 8}, {"ComplexDoubleStorage", 16}, {"QInt8Storage", 1},
      {"QUInt8Storage", 1},       {"QInt32Storage", 4},         {"QUInt4x2Storage", 1}};
  for (const auto& [cls, bytes] : classes) {
    const FakeStorage storage{"1", cls, std::string(3 * bytes, '\1'), 3};
    both(tensor(storage, 0, {3}, {1}), storage, std::string("torch.") + cls);
  }
  const FakeStorage untyped{"1", "UntypedStorage", std::string(4, '\1'), 4};
  for (const char* dtype : {"float8_e8m0fnu", "float4_e2m1fn_x2", "complex32", "bits8"}) {
    std::string w = tensor(untyped, 0, {4}, {1});
    w.replace(w.find("_rebuild_tensor_v2"), 18, "_rebuild_tensor_v3");
    w.replace(w.rfind("tR"), 2, pkl::global("torch", dtype) + "tR");
    both(w, untyped, std::string("torch.") + dtype);
  }
  // A sparse tensor is made of dense ones.
  const std::string sparse =
      pkl::call(pkl::global("torch._utils", "_rebuild_sparse_tensor"),
                {pkl::global("torch", "sparse_coo"),
                 pkl::tuple({tensor(plain, 0, {1, 1}, {1, 1}), tensor(plain, 1, {1}, {1})})});
  expect_foreign(zip_file(torch_records(pickle(sparse), {plain})), "sparse_tensor");
  expect_foreign(legacy_file(pickle(sparse), {plain}), "sparse_tensor");
  const FakeStorage unknown{"1", "FutureStorage", "1234", 4};
  expect_foreign(zip_file(torch_records(pickle(tensor(unknown, 0, {4}, {1})), {plain, unknown})),
                 "torch.FutureStorage");
  refuses(legacy_file(pickle(tensor(unknown, 0, {4}, {1})), {plain, unknown}),
          "found another for storage 1");
}

TEST(TorchPickle, ReadsViewsOfStorages) {
  // Streams of 2016 and 2017 name a part of a storage: (key, first, numel).
  const FakeStorage storage = floats("0", {0, 1, 2, 3, 4, 5});
  const auto value = [&](int64_t first, int64_t numel) {
    const std::string part = pkl::tuple({pkl::text("v"), pkl::integer(first), pkl::integer(numel)});
    const std::string id = pkl::tuple({pkl::text("storage"), pkl::global("torch", "FloatStorage"),
                                       pkl::text("0"), pkl::text("cpu"), pkl::integer(6), part});
    return pkl::call(pkl::global("torch._utils", "_rebuild_tensor"),
                     {id + "Q", pkl::integer(1), pkl::integers({2}), pkl::integers({1})});
  };
  const auto bytes = [&](const std::string& w) {
    return legacy_file(pkl::whole(pkl::dict({{pkl::text("w"), w}})), {storage});
  };
  const TempFile file(bytes(value(2, 3)));
  EXPECT_EQ(values(*open_checkpoint(file.path()), "w"), std::vector<float>({3, 4}));
  refuses(bytes(value(2, 2)), "up to number 3");
  refuses(bytes(value(5, 2)), "storage view within its storage");
}

TEST(TorchPickle, RefusesWhatHoldsNoWeights) {
  refuses(zip_file(torch_records(pkl::whole(pkl::dict({{pkl::text("epoch"), "K\x01"}})), {})),
          "found only epoch");
  refuses(zip_file(torch_records(pkl::whole("}"), {})), "found none");
  refuses(zip_file(torch_records(pkl::whole(pkl::call(pkl::global("m", "Model"), {})), {})),
          "an object of class m.Model: save its state_dict()");
  refuses(
      zip_file(torch_records(pkl::whole(pkl::call(pkl::global("__torch__.m", "Model"), {})), {})),
      "found a TorchScript program");
}

TEST(TorchLegacy, ReadsTheStream) { expect_small(SmallCheckpoint().as_legacy(), "torch legacy"); }

TEST(TorchLegacy, NamesTheDamage) {
  const SmallCheckpoint small;
  const std::string bytes = small.as_legacy();
  refuses(bytes.substr(0, bytes.size() - 1), "found the end of the file");
  refuses(legacy_file(small.pickle, small.storages, false), "big-endian");
  auto storages = small.storages;
  storages[0].numel = 5;
  refuses(legacy_file(small.pickle, storages), "expected 6 elements in storage 0, found 5");
  storages = small.storages;
  storages.pop_back();
  refuses(legacy_file(small.pickle, storages), "b.weight: expected its storage");
  storages[0].key = "other";
  refuses(legacy_file(small.pickle, storages), "keys of storages");
}

TEST(TorchLegacy, RefusesATarArchive) {
  std::string tar(1024, '\0');
  tar.replace(257, 5, "ustar");
  refuses(tar, "found a tar archive");
}

TEST(Checkpoint, CutsAWrappersNameOff) {
  const FakeStorage storage = floats("0", {1, 2});
  const auto checkpoint_of = [&](const std::vector<std::string>& names) {
    std::vector<std::pair<std::string, std::string>> weights;
    for (const std::string& name : names) {
      weights.emplace_back(pkl::text(name), tensor(storage, 0, {2}, {1}));
    }
    const TempFile file(zip_file(torch_records(pkl::whole(pkl::dict(weights)), {storage})));
    return open_checkpoint(file.path());
  };
  const auto wrapped = checkpoint_of({"module._orig_mod.a", "module._orig_mod.b.c"});
  EXPECT_EQ(wrapped->contents().wrapper, "module._orig_mod.");
  EXPECT_EQ(values(*wrapped, "a"), std::vector<float>({1, 2}));
  EXPECT_TRUE(wrapped->has_prefix("b."));
  EXPECT_NE(checkpoint_of({"module.a", "b"})->find("module.a"), nullptr);
  EXPECT_NE(checkpoint_of({"module."})->find("module."), nullptr);
  const auto compiled =
      checkpoint_of({"a._orig_mod.b", "a.a", "a_orig_mod.c", "z._orig_mod.y._orig_mod.x"});
  EXPECT_EQ(compiled->contents().wrapper, "_orig_mod.");
  for (const char* name : {"a.a", "a.b", "a_orig_mod.c", "z.y.x"}) {
    EXPECT_NE(compiled->find(name), nullptr) << name;
  }
  EXPECT_EQ(compiled->index()[0].name, "a.a");  // sorted by the names without it
}

TEST(Checkpoint, SaysWhatAnUnknownFileBeginsWith) {
  refuses("<!DOCTYPE html><html>", "found a web page");
  refuses("GGUF\x03", "found a GGUF file");
  refuses("\x08\x08\x12\x07pytorch", "found an ONNX model");
  refuses("\xEF\xBB\xBF \n<html>", "found a web page");
  refuses("\n Entry not found\n", "found the text \"Entry not found");
  refuses("\x1F\x8B\x08", "found a gzip archive");
  refuses("\x80\x04K\x01.", "found a pickle that torch did not write");
  refuses("\x01\x02neither", "neithe\" at its beginning");
  const TempFile pointer("version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  try {
    open_checkpoint(pointer.path());
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_NE(error.hint().find("git lfs pull"), std::string::npos);
  }
}

}  // namespace
}  // namespace sd
