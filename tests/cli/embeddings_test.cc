// Embeddings (textual inversions), from a prompt to the picture's record and back.

#include "cli/small_model.h"
#include "image/png_metadata.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;

/// A safetensors file of two vectors as wide as the small model's text encoder.
std::string embedding_bytes(float value) {
  constexpr uint64_t kValues = 2 * 32;
  const std::string header =
      json{{"emb_params",
            {{"dtype", "F32"}, {"shape", {2, 32}}, {"data_offsets", {0, kValues * sizeof(float)}}}}}
          .dump();
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
  bytes += header;
  for (uint64_t i = 0; i < kValues; ++i) {
    const float number = value * static_cast<float>(i % 5);
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  return bytes;
}

class Embeddings : public SmallModel {
 protected:
  void SetUp() override {
    SmallModel::SetUp();
    out_.write("words/mist.safetensors", embedding_bytes(0.5F));
    out_.write("words/other.safetensors", embedding_bytes(-0.5F));
  }
  void draw_mist() const {
    const Finished done = draw_here("txt2img", {"--prompt", "a house in MIST", "--prompt-syntax",
                                                "webui", "--embeddings", "words"});
    ASSERT_EQ(done.exit_code, 0) << done.err;
  }
  Finished replay(const std::string& picture, const Words& more = {}) const {
    Words words = {"replay", "--ckpt", "model/model.safetensors", "--embeddings", "words", picture};
    words.insert(words.end(), more.begin(), more.end());
    return run_here(words);
  }
  std::string text_of_sample(const char* keyword) const {
    return *read_png_metadata(sample_path(0)).find(keyword);
  }
};

constexpr const char* kSample = "out/samples/00000.png";

TEST_F(Embeddings, ArePartOfAJob) {
  out_.write("prompts.txt", "a house\n");
  const Words words = job_arguments("job", {"--embeddings", "words"});
  ASSERT_EQ(run_here(words).exit_code, 0);
  EXPECT_EQ(run_here(words).exit_code, 0);
  out_.write("words/mist.safetensors", embedding_bytes(0.25F));
  const Finished other = run_here(words);
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("embeddings_sha256: "), std::string::npos) << other.err;
  out_.write("words/mist.safetensors", embedding_bytes(0.5F));
  EXPECT_EQ(run_here(words).exit_code, 0);
}

TEST_F(Embeddings, AreRecordedWithTheirHashesWherePromptsNameThem) {
  draw_mist();
  const json record = json::parse(text_of_sample("stable-diffusion"));
  ASSERT_EQ(record.at("embeddings").size(), 1U);
  EXPECT_EQ(record.at("embeddings")[0].at("name"), "mist");
  const std::string hash = record.at("embeddings")[0].at("sha256");
  EXPECT_EQ(hash.size(), 64U);
  const std::string text = text_of_sample("parameters");
  EXPECT_NE(text.find("TI hashes: \"mist: " + hash.substr(0, 12) + "\""), std::string::npos)
      << text;
}

TEST_F(Embeddings, AreFoundAgainByNameOrHash) {
  draw_mist();
  EXPECT_EQ(replay(kSample).out, std::string(kSample) + ": identical\n");
  std::filesystem::rename(out_ / "words/mist.safetensors", out_ / "words/renamed.safetensors");
  const Finished renamed = replay(kSample);
  EXPECT_EQ(renamed.out, std::string(kSample) + ": identical\n") << renamed.err;
  EXPECT_NE(renamed.err.find("renamed.safetensors, which has the hash"), std::string::npos)
      << renamed.err;
  std::filesystem::remove(out_ / "words/renamed.safetensors");
  expect_failure(replay(kSample), 3, "the embedding mist");
  out_.write("words/mist.safetensors", embedding_bytes(0.25F));
  expect_failure(replay(kSample), 3, "mist.safetensors has the hash");
}

TEST_F(Embeddings, OfAnotherProgramsPictureAreComparedByTheirHashes) {
  draw_mist();
  const json record = json::parse(text_of_sample("stable-diffusion"));
  const std::string digits =
      record.at("embeddings")[0].at("sha256").get<std::string>().substr(0, 12);
  const auto write = [&](const std::string& hash) {
    PngMetadata texts;
    texts.add("parameters",
              "a house in mist\nSteps: 2, Sampler: Euler a, CFG scale: 3, Seed: 7, Size: 64x64, "
              "TI hashes: \"mist: " +
                  hash + ", mist: " + hash + "\", Version: v1.10.1");
    std::filesystem::remove(out_ / "x.png");
    write_png(out_ / "x.png", Image(64, 64), texts);
  };
  write(digits);
  const Finished same = replay("x.png");
  EXPECT_EQ(same.exit_code, 0) << same.err;
  write("0123456789ab");
  expect_failure(replay("x.png"), 3, "the embedding mist [0123456789ab]");
  const Finished done = replay("x.png", {"--approximately"});
  EXPECT_EQ(done.out, same.out) << done.err;
  EXPECT_EQ(count_lines(done.err, "not as it was drawn: "), 1) << done.err;
}

}  // namespace
}  // namespace sd::test
