#include "models/embeddings.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

#include "image/image_io.h"
#include "models/embedding_card.h"
#include "models/inspect.h"
#include "support/as_nobody.h"
#include "support/expect_error.h"
#include "support/golden_tensor.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace image;
using namespace models;
using namespace text;

namespace {

using nlohmann::json;

/// ../shared/models/ti: files of several programs, and what the web UI makes of them.
std::filesystem::path ti_dir() { return reference_dir() / ".." / "models" / "ti"; }

#define SD_NEEDS_TI() \
  if (!std::filesystem::exists(ti_dir())) GTEST_SKIP() << "no embeddings at " << ti_dir()

json index_of_files() {
  std::ifstream file(ti_dir() / "index.json");
  return json::parse(file);
}

TEST(Embeddings, AreReadAsTheWebUiReadsThem) {
  SD_NEEDS_TI();
  const GoldenTensors vectors(ti_dir() / "vectors.safetensors");
  const EmbeddingSet set = load_embeddings(ti_dir() / "files", 32);
  const json index = index_of_files();
  size_t expected = 0;
  for (const auto& [file, entry] : index.at("files").items()) {
    SCOPED_TRACE(file);
    const bool usable = entry.contains("name") && entry.at("shape") == 32;
    const auto found =
        std::find_if(set.embeddings.begin(), set.embeddings.end(),
                     [&](const TextEmbedding& one) { return one.file.filename() == file; });
    // diffusers-1 stands there as .bin and as .safetensors: the last counts.
    if (!usable || file == "diffusers-1.bin") {
      EXPECT_EQ(found, set.embeddings.end());
      continue;
    }
    ++expected;
    ASSERT_NE(found, set.embeddings.end());
    EXPECT_EQ(found->name, entry.at("name"));
    EXPECT_EQ(found->vectors.size(0), entry.at("vectors"));
    for (const std::string& key : {file, found->name}) {
      if (!vectors.has(key)) continue;
      const auto golden = vectors.f32(key);
      EXPECT_TRUE(at::equal(found->vectors, tensor_of(golden)));
    }
  }
  EXPECT_EQ(set.embeddings.size(), expected);
}

TEST(Embeddings, NeedAFolderThatMayBeRead) {
  const TempFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  const std::filesystem::path locked = folder.write("locked/a.pt", "x").parent_path();
  std::filesystem::permissions(locked, std::filesystem::perms::none);
  EXPECT_EXIT(as_nobody([&] { load_embeddings(locked, 32); }), ::testing::ExitedWithCode(3),
              "cannot read the folder");
  // Such a folder below it is passed over.
  EXPECT_EXIT(as_nobody([&] { load_embeddings(folder.path(), 32); }), ::testing::ExitedWithCode(0),
              "");
  std::filesystem::permissions(locked, std::filesystem::perms::owner_all);
}

TEST(Embeddings, SayWhyAFileIsSkipped) {
  SD_NEEDS_TI();
  std::map<std::string, std::string> reasons;
  for (const SkippedEmbedding& one : load_embeddings(ti_dir() / "files", 32).skipped) {
    reasons[one.file.filename().string()] = one.reason;
  }
  const auto expect = [&](const char* file, const char* part) {
    EXPECT_NE(reasons[file].find(part), std::string::npos) << file << ": " << reasons[file];
  };
  expect("empty.pt", "empty");
  expect("two-terms.bin", "2 terms");
  expect("wrong-width.pt", "1024");
  expect("not-an-embedding.pt", "not an embedding");
  EXPECT_EQ(reasons.count("sdxl.pt"), 1u);
}

TEST(Embeddings, RefuseMaliciousFilesAndRunNothing) {
  SD_NEEDS_TI();
  const EmbeddingSet set = load_embeddings(ti_dir() / "malicious", 0);
  EXPECT_TRUE(set.embeddings.empty());
  EXPECT_EQ(set.skipped.size(), index_of_files().at("malicious").size());
  EXPECT_FALSE(std::filesystem::exists("ti_was_here"));
}

TEST(Embeddings, AreKnownToInspect) {
  SD_NEEDS_TI();
  const Inspection four = inspect_file((ti_dir() / "files/webui-4.pt").string(), false);
  EXPECT_EQ(four.family, "embedding");
  EXPECT_EQ(four.dims.embedding_vectors, 4);
  EXPECT_EQ(four.dims.text_width, 32);
  EXPECT_EQ(inspect_file((ti_dir() / "files/diffusers-1.safetensors").string(), false).family,
            "embedding");
  EXPECT_EQ(inspect_file((ti_dir() / "files/two-terms.bin").string(), false).family, "unknown");
}

TEST(Embeddings, InsideOfOtherFilesAreCheckedAsTheirOwn) {
  EmbeddingSet set;
  set.embeddings.push_back({"known", at::zeros({1, 4}), "known.pt"});
  add_embeddings({{"many", at::ones({76, 4})},
                  {"none", at::ones({0, 4})},
                  {"deep", at::ones({1, 1, 4})},
                  {"scalar", at::ones({})},
                  {"wide", at::ones({1, 8})},
                  {"broken", at::full({1, 4}, NAN)},
                  {"not \xFF text", at::ones({1, 4})},
                  {"flat", at::ones({4})},
                  {"half", at::ones({75, 4}, at::kHalf)},
                  {"known", at::ones({2, 4})}},
                 "style.safetensors", 4, &set);
  std::vector<std::string> names;
  for (const EmbeddingName& one : set.names()) names.push_back(one.name);
  EXPECT_EQ(names, std::vector<std::string>({"flat", "half", "known"}));
  EXPECT_EQ(set.embeddings[0].vectors.sizes().vec(), std::vector<int64_t>({1, 4}));
  EXPECT_EQ(set.embeddings[1].vectors.scalar_type(), at::kFloat);
  EXPECT_EQ(set.embeddings[2].file.string(), "known.pt");
  EXPECT_EQ(set.skipped.size(), 7U);
  for (const SkippedEmbedding& one : set.skipped) EXPECT_EQ(one.file.string(), "style.safetensors");
}

/// Two vectors of two numbers, as the web UI writes them into pictures.
const char* const kCard =
    R"({"string_to_param": {"*": {"TORCHTENSOR": [[1, 2], [3, 4.5]]}}, "name": "card"})";

std::string base64(const std::string& bytes) {
  const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += i + k > bytes.size() ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
  }
  return text;
}

void expect_card(const std::filesystem::path& file) {
  const auto card = read_embedding_card(file);
  ASSERT_TRUE(card.has_value());
  EXPECT_EQ(card->name, "card");
  EXPECT_TRUE(at::equal(card->vectors, at::tensor({1.0F, 2.0F, 3.0F, 4.5F}).view({2, 2})));
}

TEST(EmbeddingCards, AreReadFromTheTextOfAPng) {
  const TempFolder folder;
  Image image(4, 4);
  PngMetadata metadata;
  metadata.add("sd-ti-embedding", base64(kCard));
  ASSERT_EQ(write_png(folder / "a.png", image, metadata), WriteOutcome::kWritten);
  ASSERT_EQ(write_png(folder / "b.png", image), WriteOutcome::kWritten);
  expect_card(folder / "a.png");
  const EmbeddingSet set = load_embeddings(folder.path(), 2);
  ASSERT_EQ(set.embeddings.size(), 1u);
  EXPECT_EQ(set.embeddings[0].name, "card");
  EXPECT_TRUE(set.skipped.empty());
}

/// A picture whose lower half-bytes hold the deflated text on both sides of two black columns.
Image hidden_card(const std::string& text) {
  std::vector<uint8_t> packed(compressBound(text.size()));
  uLongf size = packed.size();
  EXPECT_EQ(
      compress(packed.data(), &size, reinterpret_cast<const Bytef*>(text.data()), text.size()),
      Z_OK);
  constexpr int kHeight = 8;
  const int side = (static_cast<int>(size) + kHeight * 3 - 1) / (kHeight * 3);
  Image image(2 * side + 6, kHeight);
  std::fill(image.rgb.begin(), image.rgb.end(), uint8_t{0x51});
  uint32_t seed = 0;
  for (int y = 0; y < kHeight; ++y) {
    std::fill_n(image.at(side, y), 3, uint8_t{0});
    std::fill_n(image.at(side + 5, y), 3, uint8_t{0});
    for (int i = 0; i < 3 * side; ++i) {
      seed = 1664525U * seed + 1013904223U;
      const size_t at = static_cast<size_t>(y * 3 * side + i);
      const uint8_t byte = at < size ? packed[at] : 0;
      const uint8_t mask = seed % 255 & 0x0F;
      image.at(0, y)[i] = static_cast<uint8_t>(0x80 | ((byte & 0x0F) ^ mask));
      image.at(side + 6, y)[i] = static_cast<uint8_t>(0x80 | ((byte >> 4) ^ mask));
    }
  }
  return image;
}

TEST(EmbeddingCards, AreReadFromThePixels) {
  const TempFolder folder;
  ASSERT_EQ(write_png(folder / "a.png", hidden_card(kCard)), WriteOutcome::kWritten);
  expect_card(folder / "a.png");
}

TEST(EmbeddingCards, AreRefusedWhereTheyAreDamaged) {
  const TempFolder folder;
  for (const char* text :
       {"[]", "{}", R"({"string_to_param": {"*": {"TORCHTENSOR": [[1], [2, 3]]}}})",
        R"({"string_to_param": {"*": {"TORCHTENSOR": ["a"]}}})"}) {
    std::filesystem::remove(folder / "a.png");
    PngMetadata metadata;
    metadata.add("sd-ti-embedding", base64(text));
    ASSERT_EQ(write_png(folder / "a.png", Image(1, 1), metadata), WriteOutcome::kWritten);
    expect_error(ErrorKind::kCheckpoint, "damaged", [&] { read_embedding_card(folder / "a.png"); });
  }
}

}  // namespace
}  // namespace sd::test
