#include "weights/formats/safetensors.h"

#include <gtest/gtest.h>

#include "support/checkpoint_writer.h"
#include "support/expect_error.h"

namespace sd {
using namespace weights;

namespace {

using test::expect_error;
using test::safetensors_file;

/// One tensor "w" with these fields.
std::string one(const std::string& fields) { return R"({"w":{)" + fields + "}}"; }

void refuses(const std::string& header, size_t data_bytes, const std::string& part) {
  const std::string bytes = safetensors_file(header, std::string(data_bytes, '\0'));
  expect_error(ErrorKind::kCheckpoint, part, [&] { read_safetensors(bytes); });
}

TEST(Safetensors, ReadsTheIndex) {
  const std::string bytes = test::SmallCheckpoint::as_safetensors();
  ASSERT_TRUE(is_safetensors(bytes));
  const CheckpointContents contents = read_safetensors(bytes);
  ASSERT_EQ(contents.tensors.size(), 2U);
  const TensorInfo& weight = contents.tensors[0];
  EXPECT_EQ(weight.name, "a.weight");
  EXPECT_EQ(weight.shape, std::vector<int64_t>({2, 3}));
  EXPECT_EQ(weight.strides, std::vector<int64_t>({3, 1}));
  EXPECT_EQ(weight.offset, bytes.size() - 28);
  EXPECT_EQ(weight.bytes, 24U);
  EXPECT_EQ(contents.tensors[1].dtype, at::ScalarType::Half);
  EXPECT_EQ(contents.metadata.at("format"), "pt");
}

TEST(Safetensors, TakesEmptyTensorsScalarsAndSpaces) {
  const std::string header = R"({"e":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]},)"
                             R"("s":{"data_offsets":[0,4],"shape":[],"dtype":"F32"},)"
                             R"("__metadata__":{"global_step":"470000"}}     )";
  const CheckpointContents contents = read_safetensors(safetensors_file(header, "1234"));
  EXPECT_EQ(contents.tensors[0].numel(), 0);
  EXPECT_EQ(contents.tensors[1].numel(), 1);
  EXPECT_EQ(contents.global_step, 470000);
}

TEST(Safetensors, KeepsDtypesThatItCannotReadInTheIndex) {
  // The dtype, its shape and the bytes that this takes.
  const std::vector<std::tuple<std::string, std::string, int>> dtypes = {
      {"F4", "[2,3]", 3},        {"F6_E2M3", "[4]", 3}, {"F6_E3M2", "[0]", 0},
      {"F8_E8M0", "[3]", 3},     {"C64", "[2]", 16},    {"F8_E4M3FNUZ", "[]", 1},
      {"F8_E5M2FNUZ", "[5]", 5}, {"NEWER", "[7]", 2}};
  for (const auto& [dtype, shape, bytes] : dtypes) {
    SCOPED_TRACE(dtype);
    const std::string header = one("\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
                                   ",\"data_offsets\":[0," + std::to_string(bytes) + "]");
    const CheckpointContents contents =
        read_safetensors(safetensors_file(header, std::string(static_cast<size_t>(bytes), 'x')));
    ASSERT_EQ(contents.tensors.size(), 1U);
    EXPECT_EQ(contents.tensors[0].foreign, dtype);
    EXPECT_EQ(contents.tensors[0].bytes, static_cast<uint64_t>(bytes));
    EXPECT_TRUE(contents.problems.empty());
  }
  refuses(one(R"("dtype":"F4","shape":[3],"data_offsets":[0,1])"), 1, "whole number of bytes");
  refuses(one(R"("dtype":"C64","shape":[1],"data_offsets":[0,4])"), 4, "expected 8 bytes");
}

TEST(Safetensors, PassesOverWhatLaterVersionsMaySay) {
  const std::string sound = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  for (const std::string more :
       {R"("more":1)", R"("more":null)", R"("more":[[{"shape":[2]}],-1.5,"x"])",
        R"("more":{"dtype":"F64","deep":{"data_offsets":[9]}})", R"("more":true,"more":false)"}) {
    SCOPED_TRACE(more);
    for (const std::string& fields : {sound + "," + more, more + "," + sound}) {
      const CheckpointContents contents = read_safetensors(safetensors_file(one(fields), "1234"));
      ASSERT_EQ(contents.tensors.size(), 1U);
      EXPECT_EQ(contents.tensors[0].shape, std::vector<int64_t>({1}));
      EXPECT_EQ(contents.tensors[0].dtype, at::kFloat);
    }
  }
  for (const std::string metadata : {"null", "{}", R"({"a":7,"b":{"c":[null]},"d":"text"})"}) {
    SCOPED_TRACE(metadata);
    const CheckpointContents contents = read_safetensors(
        safetensors_file("{\"__metadata__\":" + metadata + ",\"w\":{" + sound + "}}", "1234"));
    EXPECT_EQ(contents.tensors.size(), 1U);
    EXPECT_EQ(contents.metadata.size(), metadata.size() > 4 ? 1U : 0U);
  }
}

TEST(Safetensors, RefusesAHeaderThatBreaksTheFormat) {
  refuses("{", 0, "expected JSON");
  refuses("[]", 0, "expected no list");
  refuses("7", 0, "expected no number");
  refuses("{} x", 0, "expected JSON");
  refuses(R"({"w":1})", 4, "expected no number");
  refuses(R"({"w":{}})", 4, "expected dtype, shape and data_offsets");
  refuses(one(R"("dtype":"F32","shape":[1])"), 4, "expected dtype, shape and data_offsets");
  refuses(one(R"("dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4])"), 4, "field once");
  refuses(one(R"("dtype":"F32","shape":[1],"data_offsets":[0])"), 4, "two data_offsets");
  refuses(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,8])"), 4, "two data_offsets");
  refuses(one(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), 4, "no negative");
  refuses(one(R"("dtype":"F32","shape":[1.5],"data_offsets":[0,4])"), 4, "whole numbers");
  refuses(one(R"("dtype":"F32","shape":[1e99],"data_offsets":[0,4])"), 4, "whole numbers");
  refuses(one(R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])"), 4, "no list");
  refuses(one(R"("dtype":"F32","shape":{"a":1},"data_offsets":[0,4])"), 4, "no further object");
  refuses(one(R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4])"), 4, "8 dim");
  refuses(one(R"("dtype":null,"shape":[1],"data_offsets":[0,4])"), 4, "no null");
  refuses(one(R"("dtype":"F32","shape":true,"data_offsets":[0,4])"), 4, "no truth value");
  refuses(R"({"__metadata__":[]})", 0, "no list");
  refuses(R"({"__metadata__":{"a":"1","a":"2"}})", 0, "key once");
  refuses(R"({"__metadata__":7})", 0, "no number");
  const std::string w = R"("w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  refuses("{" + w + "," + w + "}", 4, "name once");
  refuses(R"({"w":null})", 4, "no null");
}

TEST(Safetensors, RefusesRangesThatDoNotFit) {
  refuses(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"), 3, "at most 3");
  refuses(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"), 5, "found 5");
  refuses(one(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), 8, "from byte 0");
  refuses(one(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), 4, "expected 8 bytes");
  refuses(one(R"("dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615])"), 4,
          "at most");
  refuses(one(R"("dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4])"), 4,
          "memory");
  refuses(one(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4])"), 4, "memory");
  refuses(one(R"("dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0])"), 0,
          "memory");
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const std::string overlap = R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})";
  const std::string gap = R"("b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]})";
  refuses("{" + a + "," + overlap + "}", 8, "from byte 8");
  refuses("{" + a + "," + gap + "}", 16, "from byte 8");
}

TEST(Safetensors, RefusesAHeaderLongerThanTheFile) {
  const std::string bytes = test::le(1000, 8) + "{}";
  expect_error(ErrorKind::kCheckpoint, "expected 1000 bytes", [&] { read_safetensors(bytes); });
  EXPECT_FALSE(is_safetensors(test::le(UINT64_MAX, 8) + "{}"));
}

}  // namespace
}  // namespace sd
