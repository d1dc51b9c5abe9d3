// Hashes of whole files and of what lies behind their headers, each computed once a run.

#include "job/file_hash.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "job/lora_hash.h"
#include "sd/error.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "weights/sha256.h"

namespace sd::test {
using namespace job;
using namespace weights;

namespace {

std::string hash_of(const std::string& text) { return sha256_of(text.data(), text.size()); }

TEST(FileHash, IsThatOfTheBytes) {
  const TempFolder folder;
  const std::string text(3'000'000, 'x');
  const std::string path = folder.write("a", text).string();
  EXPECT_EQ(sha256_of_file(path), hash_of(text));
  EXPECT_EQ(FileHash(path).get(), hash_of(text));
  EXPECT_EQ(remembered_sha256(path, 2'000'000, false), hash_of(text.substr(2'000'000)));
  EXPECT_EQ(remembered_sha256(path, 0, /*give_up=*/true), "");
  expect_error(ErrorKind::kFile, "absent", [&] { sha256_of_file((folder / "absent").string()); });
}

/// A safetensors file of one number.
std::string safetensors(const std::string& metadata, float value) {
  const std::string header =
      "{" + metadata + R"("a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})";
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header +
         std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

TEST(LoraHashes, AreThoseOfTheFileAndOfWhatLiesBehindItsHeader) {
  const TempFolder folder;
  const std::string plain = safetensors("", 1);
  const std::string path = folder.write("a.safetensors", plain).string();
  LoraHashes hashes;
  hashes.begin(path);
  EXPECT_EQ(hashes.get(path).sha256, hash_of(plain));
  EXPECT_EQ(hashes.get(path).webui, hash_of(plain.substr(plain.size() - 4)).substr(0, 12));
  folder.write("a.safetensors", safetensors("", 2));
  EXPECT_EQ(hashes.get(path).sha256, hash_of(plain));  // as the run read it
  const std::string stated =
      safetensors(R"("__metadata__": {"sshs_model_hash": "0123456789abcdef"}, )", 1);
  EXPECT_EQ(hashes.get(folder.write("b.safetensors", stated).string()).webui, "0123456789ab");
  expect_error(ErrorKind::kFile, "absent", [&] { hashes.get((folder / "absent").string()); });
}

}  // namespace
}  // namespace sd::test
