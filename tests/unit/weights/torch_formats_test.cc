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
  refuses(with(2, [](FakeRecord& r) { r.method = 8; }), "data/0, found it compressed");
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

TEST(TorchZip, InflatesTheIndexAndNamesCompressedTensors) {
  // What an archiver makes of an unpacked checkpoint: everything deflated.
  const SmallCheckpoint small;
  auto records = torch_records(small.pickle, small.storages);
  records.push_back({"archive/data/padding", std::string(4096, 'x')});
  records[0] = deflated(records[0]);
  const TempFile index_only(zip_file(records));
  EXPECT_EQ(values(*open_checkpoint(index_only.path()), "a.column"), std::vector<float>({1, 4}));
  records[2] = deflated(records[2]);
  refuses(zip_file(records), "a.weight: expected a stored zip entry archive/data/0");
  records[0].unpacked *= 1000;
  refuses(zip_file(records), "less than the file's size");
  records[0].unpacked = 10;
  refuses(zip_file(records), "to its stated size");
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
  liar = storage;
  liar.cls = "ComplexFloatStorage";
  refuses(zip_with(tensor(liar, 0, {1}, {1}), {storage}), "found torch.ComplexFloatStorage");
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
          "an object of class m.Model");
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

TEST(Checkpoint, SaysWhatAnUnknownFileBeginsWith) {
  refuses("<!DOCTYPE html><html>", "found \"<!DOCTYP\"");
  refuses("x", "at its beginning");
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
