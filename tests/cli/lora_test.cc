// Adapters, from the command line to the picture's record.

#include <cstring>

#include "cli/small_model.h"
#include "image/png_metadata.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;

/// A safetensors file of a LoRA of rank 1 for layers of the UNet and the text encoder. `word`: of
/// an embedding in it; empty: it has none.
std::string adapter_bytes(float value, const std::vector<std::string>& layers, int64_t width = 32,
                          const std::string& word = "") {
  json header = {{"__metadata__", {{"ss_base_model_version", "sd_v1"}}}};
  uint64_t end = 0;
  const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    const uint64_t begin = end;
    end += static_cast<uint64_t>(width) * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, end}}};
  };
  for (const std::string& layer : layers) {
    add(layer + ".lora_down.weight", {1, width});
    add(layer + ".lora_up.weight", {width, 1});
  }
  if (!word.empty()) add("bundle_emb." + word + ".string_to_param.*", {1, width});
  std::string bytes;
  for (uint64_t i = 0; i < end / sizeof(float); ++i) {
    const float number = value * static_cast<float>(i % 7) / 6;
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  const std::string text = header.dump();
  const uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text + bytes;
}

const std::vector<std::string> kLayers = {
    "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q_nowhere",
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_v",
    "lora_te_text_model_encoder_layers_0_self_attn_v_proj"};

class Lora : public SmallModel {
 protected:
  void SetUp() override {
    SmallModel::SetUp();
    out_.write("models/lora/style.safetensors", adapter_bytes(0.5F, kLayers));
    out_.write("models/lora/light.safetensors", adapter_bytes(-0.4F, {kLayers[1]}));
    out_.write("with:0.5", adapter_bytes(0.3F, {kLayers[1]}));
  }
  /// Draws one picture for each line.
  void draw_lines(const std::string& lines, const Words& more = {}) const {
    Words words = {"--from-file", "-"};
    words.insert(words.end(), more.begin(), more.end());
    const Finished done = draw_here("txt2img", words, lines);
    ASSERT_EQ(done.exit_code, 0) << done.err;
  }
  json record_of(int number) const {
    return json::parse(*read_png_metadata(sample_path(number)).find("stable-diffusion"));
  }
  std::string webui_text_of(int number) const {
    return *read_png_metadata(sample_path(number)).find("parameters");
  }
};

TEST_F(Lora, OfALineThatIsDamagedLeavesTheOthersOfAJob) {
  out_.write("models/lora/bad.safetensors", "no adapter");
  out_.write("prompts.txt", "a house\na tree --lora bad\na pond --lora light\na hill\n");
  const auto draw_job = [&](const std::string& folder, const std::string& lines) {
    return run_here(job_arguments(folder, {"--from-file", lines + ".txt", "--seed-mode", "image"}));
  };
  const Finished run = draw_job("job", "prompts");
  EXPECT_EQ(run.exit_code, 2) << run.err;
  EXPECT_EQ(lines_of(run.out).size(), 3U) << run.err;
  const json failure = json::parse(read_file(out_ / "job/failed/000001.json"));
  EXPECT_EQ(failure["line"], 2);
  EXPECT_NE(failure["reason"].get<std::string>().find("bad.safetensors"), std::string::npos);
  out_.write("sound.txt", "a house\na tree\na pond --lora light\na hill\n");
  ASSERT_EQ(draw_job("sound", "sound").exit_code, 0);
  for (const char* name : {"samples/000000.png", "samples/000002.png", "samples/000003.png"}) {
    EXPECT_EQ(read_file(out_ / "job" / name), read_file(out_ / "sound" / name)) << name;
  }
}

TEST_F(Lora, IsAPartOfAJob) {
  out_.write("prompts.txt", "a house\n");
  const auto draw_job = [&] { return run_here(job_arguments("job", {"--lora", "style"})); };
  const Finished first = draw_job();
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(draw_job().exit_code, 0);
  out_.write("models/lora/style.safetensors", adapter_bytes(0.25F, kLayers));
  const Finished other = draw_job();
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("loras/0/sha256: "), std::string::npos) << other.err;
}

TEST_F(Lora, ChangesTheLinesThatNameIt) {
  draw_lines(
      "a cat --seed 5\n"
      "a cat --seed 5 --lora style\n"
      "a cat --seed 5 --lora style:0\n"
      "a cat --seed 5 --lora style --lora light:0.5\n"
      "a cat --seed 5 --lora style:te=0:unet=1\n"
      "a cat --seed 5 --lora style\n"
      "a cat --seed 5\n");
  EXPECT_TRUE(sample(0) == sample(6));  // the base weights, bit for bit
  EXPECT_TRUE(sample(0) == sample(2));
  EXPECT_TRUE(sample(1) == sample(5));
  EXPECT_FALSE(sample(0) == sample(1));
  EXPECT_FALSE(sample(1) == sample(3));
  EXPECT_FALSE(sample(1) == sample(4));
}

TEST_F(Lora, IsNamedByThePrompt) {
  draw_lines(
      "a cat <lora:style:0.5:0.75> --seed 5\n"
      "a cat --seed 5 --lora style:0.75:0.5\n"
      "a cat <lora:STYLE:te=0.5:unet=0.75> --seed 5\n",
      {"--prompt-syntax", "webui"});
  EXPECT_TRUE(sample(0) == sample(1));
  EXPECT_TRUE(sample(0) == sample(2));
  EXPECT_EQ(webui_text_of(0).substr(0, 28), "a cat <lora:style:0.5:0.75>\n");
  EXPECT_EQ(webui_text_of(1).substr(0, 28), "a cat <lora:style:0.5:0.75>\n");
}

/// Each request has its own, and leaves the model as it was.
TEST_F(Lora, IsNamedByARequestOfTheServer) {
  draw_lines(
      "a cat --seed 5\n"
      "a cat --seed 5 --lora style\n"
      "a cat --seed 5 --lora style --lora light:0.5\n"
      "a cat<lora:style:1> --seed 5 --prompt-syntax webui\n");
  const Finished served =
      run_here({"txt2img", "--serve", "--ckpt", "model/model.safetensors", "--outdir", "served",
                "--ddim_steps", "2", "--H", "64", "--W", "64", "--safety", "off", "--threads", "1"},
               "{\"prompt\": \"a cat\", \"seed\": 5, \"lora\": \"style\"}\n"
               "{\"prompt\": \"a cat\", \"seed\": 5}\n"
               "{\"prompt\": \"a cat\", \"seed\": 5, \"lora\": \"stile\"}\n"
               "{\"prompt\": \"a cat\", \"seed\": 5, \"lora\": [\"style\", \"light:0.5\"]}\n"
               "{\"prompt\": \"a cat<lora:style:1>\", \"seed\": 5, \"prompt_syntax\": \"webui\"}\n"
               "{\"prompt\": \"a cat\", \"seed\": 5}\n");
  EXPECT_EQ(served.exit_code, 0) << served.err;
  EXPECT_NE(served.out.find("there is no adapter stile"), std::string::npos) << served.out;
  const auto picture = [&](int number) {
    return read_image(out_ / ("served/samples/0000" + std::to_string(number) + ".png"));
  };
  EXPECT_TRUE(picture(0) == sample(1));
  EXPECT_TRUE(picture(1) == sample(0));
  EXPECT_TRUE(picture(2) == sample(2));
  EXPECT_TRUE(picture(3) == sample(3));
  EXPECT_TRUE(picture(4) == sample(0));
}

/// What a word means does not hang on what else a process has drawn.
TEST_F(Lora, BringsEmbeddingsForItsOwnPicturesAlone) {
  out_.write("models/lora/words.safetensors", adapter_bytes(0.5F, kLayers, 32, "zorb"));
  const std::string lines =
      "{\"prompt\": \"a zorb\", \"seed\": 5, \"prompt_syntax\": \"webui\"}\n"
      "{\"prompt\": \"a zorb\", \"seed\": 5, \"prompt_syntax\": \"webui\", \"lora\": \"words:0\"}\n"
      "{\"prompt\": \"a zorb\", \"seed\": 5, \"prompt_syntax\": \"webui\"}\n"
      "{\"prompt\": \"a zorb\", \"seed\": 5, \"lora\": \"words:0\"}\n"
      "{\"prompt\": \"a zorb\", \"seed\": 5}\n";
  draw_lines(lines);
  EXPECT_TRUE(sample(0) == sample(2));
  EXPECT_FALSE(sample(0) == sample(1));
  EXPECT_TRUE(sample(3) == sample(4));  // plain prompts know no embeddings
  const Finished served =
      run_here({"txt2img", "--serve", "--ckpt", "model/model.safetensors", "--outdir", "served",
                "--ddim_steps", "2", "--H", "64", "--W", "64", "--safety", "off", "--threads", "1"},
               lines);
  EXPECT_EQ(served.exit_code, 0) << served.err;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(read_image(out_ / ("served/samples/0000" + std::to_string(i) + ".png")) ==
                sample(i));
  }
}

TEST_F(Lora, IsRecordedAndDrawnAgain) {
  draw_lines(
      "a cat --seed 5 --lora models/lora/style.safetensors:0.75:0.5 --lora light\n"
      "a cat <lora:light:0.25> --seed 6 --prompt-syntax webui\n");
  const json loras = record_of(0).at("loras");
  ASSERT_EQ(loras.size(), 2U);
  EXPECT_EQ(loras[0].at("unet"), 0.75);
  EXPECT_EQ(loras[0].at("te"), 0.5);
  EXPECT_EQ(loras[0].at("file"), "models/lora/style.safetensors");
  EXPECT_EQ(loras[1].at("sha256").get<std::string>().size(), 64U);
  EXPECT_NE(webui_text_of(0).find("Lora hashes: \"style: "), std::string::npos);
  EXPECT_EQ(record_of(1).at("loras")[0].at("in_prompt"), true);
  const Finished again = run_here({"replay", "out/samples/00000.png", "out/samples/00001.png"});
  EXPECT_EQ(again.out, "out/samples/00000.png: identical\nout/samples/00001.png: identical\n")
      << again.err;
  out_.write("models/lora/light.safetensors", adapter_bytes(1, {kLayers[1]}));
  expect_failure(run_here({"replay", "out/samples/00001.png"}), 3, "is not the adapter");
}

TEST_F(Lora, IsOfThePassWhosePromptNamesIt) {
  draw_lines(
      "a cat --seed 5\n"
      "a cat --seed 5 --hires-prompt 'a cat <lora:style:1>'\n"
      "a cat <lora:style:1> --seed 5 --hires-prompt 'a cat'\n"
      "a cat <lora:style:1> --seed 5\n"
      "a cat --seed 5 --lora light --hires-prompt 'a dog <lora:style:0.5>'\n"
      "a cat --seed 5 --hires-prompt 'a cat <lora:style:0>'\n",
      {"--prompt-syntax", "webui", "--sampler", "euler", "--hires-scale", "2"});
  EXPECT_TRUE(sample(0) == sample(5));
  for (const auto& [a, b] : {std::pair{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}}) {
    EXPECT_FALSE(sample(a) == sample(b)) << a << " " << b;
  }
  EXPECT_FALSE(record_of(1).contains("loras"));
  EXPECT_EQ(record_of(1).at("hires").at("loras").at(0).at("sha256").get<std::string>().size(), 64U);
  EXPECT_EQ(record_of(2).at("hires").at("loras"), json::array());
  EXPECT_FALSE(record_of(3).at("hires").contains("loras"));
  const std::string text = webui_text_of(4);
  EXPECT_NE(text.find("a cat <lora:light:1>\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Hires prompt: \"a dog <lora:style:0.5> <lora:light:1>\""), std::string::npos)
      << text;
  EXPECT_NE(text.find(", style: "), std::string::npos) << text;  // of the hashes
  const Finished again = run_here({"replay", "out/samples/00001.png", "out/samples/00002.png",
                                   "out/samples/00003.png", "out/samples/00004.png"});
  EXPECT_EQ(count_lines(again.out, "out/samples/0000"), 4) << again.err;
  for (const std::string& line : lines_of(again.out)) {
    EXPECT_NE(line.find(": identical"), std::string::npos) << line;
  }
}

TEST_F(Lora, OfAnotherProgramsPictureIsFoundByItsHash) {
  draw_lines("a cat --seed 5 --lora style\n");
  const std::string digits = record_of(0).at("loras")[0].at("webui_hash");
  const auto write = [&](const std::string& name, const std::string& hash) {
    PngMetadata texts;
    texts.add("parameters", "a cat <lora:" + name +
                                ":1>\nSteps: 2, Sampler: Euler a, CFG scale: 3, Seed: 7, Size: "
                                "64x64, Lora hashes: \"" +
                                name + ": " + hash + "\", Version: v1.10.1");
    std::filesystem::remove(out_ / "x.png");
    write_png(out_ / "x.png", Image(64, 64), texts);
  };
  const Words words = {"replay", "--ckpt", "model/model.safetensors", "x.png"};
  write("style", digits);
  const Finished same = run_here(words);
  EXPECT_EQ(same.exit_code, 0) << same.err;
  write("renamed", digits);
  const Finished renamed = run_here(words);
  EXPECT_EQ(renamed.out, same.out) << renamed.err;
  EXPECT_NE(renamed.err.find("style.safetensors, which has the hash of the picture's renamed"),
            std::string::npos)
      << renamed.err;
  write("style", "0123456789ab");
  expect_failure(run_here(words), 3, "the adapter style [0123456789ab]");
  Words approximately = words;
  approximately.push_back("--approximately");
  const Finished done = run_here(approximately);
  EXPECT_EQ(done.out, same.out) << done.err;
  EXPECT_NE(done.err.find("has the hash " + digits), std::string::npos) << done.err;
}

TEST_F(Lora, IsAdvisedOnceUnlessTheAdviceIsFollowed) {
  std::filesystem::copy(out_ / "models/lora/style.safetensors",
                        out_ / "models/lora/my_lcm.safetensors");
  const Words turbo = {"--sampler", "lcm", "--ddim_steps", "4", "--scale", "1"};
  Words words = {"--lora", "my_lcm"};
  const Finished otherwise = draw_here("txt2img", words);
  EXPECT_EQ(count_lines(otherwise.err, "my_lcm.safetensors is an LCM adapter"), 1) << otherwise.err;
  words.insert(words.end(), turbo.begin(), turbo.end());
  const Finished followed = draw_here("txt2img", words);
  EXPECT_EQ(followed.exit_code, 0) << followed.err;
  EXPECT_EQ(count_lines(followed.err, "my_lcm.safetensors is an LCM adapter"), 0) << followed.err;
}

TEST_F(Lora, SaysOneLineAFile) {
  const Finished done = draw_here("txt2img", {"--lora", "style", "--lora", "style:0.1"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(count_lines(done.err,
                        "style.safetensors: applied 2 of 3 layers, LoRA rank 1, trained on "
                        "sd_v1; 1 that this model does not have"),
            1)
      << done.err;
}

TEST_F(Lora, TakesAnExistingFileWhateverColonsItHas) {
  draw_lines(
      "a cat --seed 5 --lora with:0.5\n"
      "a cat --seed 5 --lora with:0.5:1\n"
      "a cat --seed 5 --lora with:0.5:0\n"
      "a cat --seed 5\n");
  EXPECT_TRUE(sample(0) == sample(1));
  EXPECT_TRUE(sample(2) == sample(3));
  EXPECT_FALSE(sample(0) == sample(3));
}

TEST_F(Lora, SaysWhatIsWrong) {
  expect_failure(draw_here("txt2img", {"--lora", "stile"}), 3, "there is no adapter stile");
  expect_failure(draw_here("txt2img", {"--prompt-syntax", "webui", "--prompt", "a <lora:stile:1>"}),
                 3, "there is no adapter stile");
  expect_failure(draw_here("txt2img", {"--lora", "style:1:2:3"}), 2, "each strength once");
  out_.write("xl.safetensors", adapter_bytes(1, {"lora_te2_text_model_encoder_layers_0_mlp_fc1"}));
  expect_failure(draw_here("txt2img", {"--lora", "xl.safetensors"}), 4,
                 "found one for Stable Diffusion XL");
  expect_failure(draw_here("txt2img", {"--lora", checkpoint()}), 4, "found a whole model");
  out_.write("cut.safetensors", adapter_bytes(1, kLayers).substr(0, 700));
  expect_failure(draw_here("txt2img", {"--lora", "cut.safetensors"}), 4, "cut.safetensors");
  out_.write("nan.safetensors", adapter_bytes(std::nanf(""), kLayers));
  expect_failure(draw_here("txt2img", {"--lora", "nan.safetensors"}), 4, "expected numbers");
}

TEST_F(Lora, IsBakedByConvert) {
  const Finished baked = run_here({"convert", "model/model.safetensors", "baked.safetensors",
                                   "--lora", "style:0.75:0.5", "--lora", "light"});
  ASSERT_EQ(baked.exit_code, 0) << baked.err;
  std::filesystem::copy_file(config(), out_ / "baked.yaml");
  std::filesystem::copy(model_->path() / "clip", out_ / "clip");
  draw_lines("a cat --seed 5 --lora style:0.75:0.5 --lora light\n");
  const Finished drawn = run_here({"txt2img",  "--ckpt",      "baked.safetensors",
                                   "--outdir", "baked",       "--ddim_steps",
                                   "2",        "--n_samples", "1",
                                   "--n_iter", "1",           "--skip_grid",
                                   "--safety", "off",         "--threads",
                                   "1",        "--H",         "64",
                                   "--W",      "64",          "--from-file",
                                   "-"},
                                  "a cat --seed 5\n");
  ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_TRUE(read_image(out_ / "baked/samples/00000.png") == sample(0));
}

TEST_F(Lora, IsDescribedByInspect) {
  const Finished done = run_here({"inspect", "models/lora/style.safetensors"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.out.find("adapter      LoRA rank 1; 3 layers, 1 of them of the text encoder; "
                          "trained on sd_v1\n"),
            std::string::npos)
      << done.out;
}

TEST_F(Lora, IsCountedByThePlan) {
  const auto total = [&](const Words& more) {
    Words words = {"plan", "--json", "--ckpt", "model/model.safetensors", "--H", "64", "--W", "64"};
    words.insert(words.end(), more.begin(), more.end());
    return json::parse(run_here(words).out).at("total").get<int64_t>();
  };
  const int64_t layer = (32 * 32) * 4;
  EXPECT_EQ(total({"--lora", "light"}) - total({}), layer);
  EXPECT_EQ(total({"--lora", "light:0"}), total({}));
}

}  // namespace
}  // namespace sd::test
