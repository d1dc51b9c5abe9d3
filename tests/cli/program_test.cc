// The program's promises to scripts, run after run: pictures, exit codes, messages.

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "cli/small_model.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;

class Txt2Img : public SmallModel {};

TEST(Help, ShowsTheCommandsAndTheGroupsOfFlags) {
  const Finished all = run({"--help"});
  EXPECT_EQ(all.exit_code, 0);
  EXPECT_EQ(all.err, "");
  for (const char* command : {"txt2img", "inspect", "tokenize", "random-checkpoint"}) {
    EXPECT_NE(all.out.find(command), std::string::npos) << command;
    const Finished one = run({command, "--help"});
    EXPECT_EQ(one.exit_code, 0) << command;
    EXPECT_EQ(one.err, "") << command;
    EXPECT_NE(one.out.find(command), std::string::npos) << one.out;
  }
  const std::string flags = run({"txt2img", "--help"}).out;
  for (const char* group : {"What to draw", "Sampling", "Model", "Output", "Device"}) {
    EXPECT_NE(flags.find(group), std::string::npos) << flags;
  }
  const Finished version = run({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(lines_of(version.out).size(), 1U);
}

TEST(Usage, IsRefusedInOneLineWithAHint) {
  expect_failure(run({"txt2img", "--no_such_flag"}), 2, "--no_such_flag");
  expect_failure(run({"txt2img", "--H", "big"}), 2, "--H");
  expect_failure(run({"txt2img", "--rng", "gpu"}), 2, "cuda or cpu");
  expect_failure(run({"txt2img", "--seed", "x"}), 2, "--seed");
  expect_failure(run({"draw"}), 2, "");
  expect_failure(run({}), 2, "");
  expect_failure(run({"tokenize"}), 2, "nothing to tokenize");
  expect_failure(run({"inspect"}), 2, "FILE");
}

TEST(Usage, NeedsACurrentFolderAndSaysSo) {
  const std::filesystem::path here = std::filesystem::current_path();
  const TempFolder folder;
  std::filesystem::create_directory(folder / "gone");
  std::filesystem::current_path(folder / "gone");
  std::filesystem::remove(folder / "gone");
  const Finished ended = run({"--version"});
  std::filesystem::current_path(here);
  expect_failure(ended, 3, "the current folder");
}

TEST(Usage, KeepsWordsInBracketsWhole) {
  const auto tokens = [](const std::string& prompt) { return run({"tokenize", prompt}).out; };
  EXPECT_NE(tokens("[a, b]"), tokens("a, b"));
  EXPECT_NE(tokens("[a, b]").find("[a, b]"), std::string::npos);
  expect_failure(run({"show", "[a,c]"}), 3, "[a,c]");
  expect_failure(run({"devices", "[a,c]"}), 2, "[a,c]");
}

TEST(Usage, GuessesWhatWasMeant) {
  const std::pair<Words, const char*> cases[] = {
      {{"txt2img", "--promt", "a cat"}, "did you mean --prompt instead of --promt?"},
      {{"txt2img", "--n-sample=3"}, "did you mean --n-samples instead of --n-sample?"},
      {{"txt2img", "--negative", "x"}, "did you mean --negative-prompt instead of --negative?"},
      {{"img2img", "--strenght", "0.5"}, "did you mean --strength instead of --strenght?"},
      {{"tx2img"}, "did you mean txt2img instead of tx2img?"},
      {{"txt2img", "--bananas"}, "sd txt2img --help lists the flags"}};
  for (const auto& [words, hint] : cases) {
    const Finished failed = run(words);
    expect_failure(failed, 2, ": " + words[words.size() > 1 ? 1 : 0]);
    EXPECT_EQ(lines_of(failed.err).back(), std::string("hint: ") + hint);
  }
}

TEST(Usage, NamesUnknownArgumentsInTheirOrder) {
  const Finished failed = run({"txt2img", "--alpha", "1", "--seed", "3", "--beta", "word"});
  expect_failure(failed, 2, "unknown arguments: --alpha 1 --beta word");
  expect_failure(run({"txt2img", ""}), 2, "unknown argument: '' (an empty text)");
}

TEST(Usage, NamesTheFileThatIsMissing) {
  expect_failure(run({"txt2img", "--ckpt", "no/such.ckpt"}), 3, "no/such.ckpt");
  expect_failure(run({"inspect", "no/such.ckpt"}), 3, "no/such.ckpt");
  expect_failure(run({"tokenize", "--jsonl", "no/such.jsonl"}), 3, "no/such.jsonl");
  expect_failure(run({"random-checkpoint", "x.ckpt", "--config", "no/such.yaml"}), 3,
                 "no/such.yaml");
}

TEST(Usage, RefusesAnEmptyNameOfAFile) {
  for (const char* command : {"show", "replay", "inspect", "watermark"}) {
    expect_failure(run({command, ""}), 2, "FILE: expected FILE, found an empty text");
  }
  expect_failure(run({"job", "status", ""}), 2, "DIR: expected DIR, found an empty text");
  expect_failure(run({"settings", "--settings", ""}), 2, "--settings: expected FILE");
  expect_failure(run({"tokenize", "--jsonl", ""}), 2, "--jsonl: expected FILE");
}

TEST(Usage, RefusesADeviceForAPicture) {
  for (const Words& words : {Words{"show", "/dev/zero"}, {"img2img", "--init-img", "/dev/zero"}}) {
    expect_failure(run(words), 3, "/dev/zero: expected a file or a pipe, found a device");
  }
  expect_failure(run({"tokenize", "--jsonl", "/dev/zero"}), 2, "line 1: longer than 1 MiB");
}

TEST(Tokenize, TurnsLinesOfPromptsIntoLinesOfIds) {
  const Finished done = run({"tokenize", "--jsonl", "-"},
                            "{\"prompt\": \"a cat\"}\n\n{\"prompt\": \"\", \"more\": 1}\n");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const auto lines = lines_of(done.out);
  ASSERT_EQ(lines.size(), 2U);
  std::vector<int> expected(77, 49407);
  expected[0] = 49406;
  EXPECT_EQ(json::parse(lines[1]), json({{"ids", expected}}));
  expected[1] = 320;
  expected[2] = 2368;
  EXPECT_EQ(json::parse(lines[0]), json({{"ids", expected}}));
}

TEST(Tokenize, NamesTheLineThatIsNoPrompt) {
  for (const char* line : {"[1]", "not json", "{}", "{\"prompt\": 5}", "{\"prompt\": \"\xff\"}"}) {
    const Finished failed = run({"tokenize", "--jsonl", "-"}, std::string("\n") + line + "\n");
    expect_failure(failed, 2, "line 2");
  }
}

TEST(Tokenize, ReadsTheWebUisSyntaxLineByLine) {
  const Finished done = run({"tokenize", "--prompt-syntax", "webui", "--jsonl", "-"},
                            "{\"prompt\": \"[a:b:0.5] AND (c:1.2) :2\", \"steps\": 10}\n"
                            "{\"prompt\": \"(a:1.2.3)\"}\n"
                            "{\"prompt\": \"d\"}\n");
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const auto lines = lines_of(done.out);
  ASSERT_EQ(lines.size(), 3u);
  const json first = json::parse(lines[0]);
  EXPECT_EQ(first["schedule"], json({{5, "a AND (c:1.2) :2"}, {10, "b AND (c:1.2) :2"}}));
  EXPECT_EQ(first["and"],
            json::array({json::array({"[a:b:0.5]", 1.0}), json::array({" (c:1.2)", 2.0})}));
  EXPECT_NE(json::parse(lines[1])["error"].dump().find("1.2.3"), std::string::npos);
  EXPECT_EQ(json::parse(lines[2])["token_count"], 1);
}

TEST(Tokenize, ShowsPiecesAndWhatFallsOffTheEnd) {
  std::string longer = "first";
  for (int i = 0; i < 80; ++i) longer += " word";
  const Finished done = run({"tokenize", "a cat", longer});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.out.find("2368"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("4 of 77 ids used"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("falls off the end (6 ids): word word"), std::string::npos) << done.out;
}

TEST_F(Txt2Img, InspectDescribesTheModel) {
  const Finished text = run({"inspect", checkpoint()});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("safetensors"), std::string::npos) << text.out;
  const Finished done = run({"inspect", "--json", "--sha256", checkpoint()});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const json described = json::parse(done.out);
  EXPECT_NE(described.dump().find("safetensors"), std::string::npos) << described;
  EXPECT_EQ(described.at("sha256").get<std::string>().size(), 64U);
}

TEST_F(Txt2Img, RandomCheckpointNeverOverwrites) {
  expect_failure(run({"random-checkpoint", checkpoint(), "--config", config()}), 3,
                 "model.safetensors");
}

TEST_F(Txt2Img, DrawsAndGoesOnCounting) {
  const Finished first = draw();
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const std::string outdir = (out_ / "out").string();
  EXPECT_EQ(lines_of(first.out), Words({outdir + "/samples/00000.png",
                                        outdir + "/samples/00001.png", outdir + "/grid-0000.png"}));
  const Finished second = draw();
  ASSERT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(files(), Words({"grid-0000.png", "grid-0001.png", "samples/00000.png",
                            "samples/00001.png", "samples/00002.png", "samples/00003.png"}));
  EXPECT_EQ(sample(0).width, 64);
  EXPECT_EQ(sample(0), sample(2));  // one seed, one picture
  EXPECT_EQ(sample(1), sample(3));
  EXPECT_NE(sample(0), sample(1));
  const Finished other = draw({"--seed", "43"});
  ASSERT_EQ(other.exit_code, 0) << other.err;
  EXPECT_NE(sample(4), sample(0));
}

TEST_F(Txt2Img, EverySamplerAndStreamDraws) {
  ASSERT_EQ(draw({"--n_samples", "1", "--skip_grid", "--plms"}).exit_code, 0);
  ASSERT_EQ(draw({"--n_samples", "1", "--skip_grid", "--dpm_solver"}).exit_code, 0);
  ASSERT_EQ(draw({"--n_samples", "1", "--skip_grid", "--ddim_eta", "1"}).exit_code, 0);
  ASSERT_EQ(draw({"--n_samples", "1", "--skip_grid", "--rng", "cpu"}).exit_code, 0);
  ASSERT_EQ(draw({"--n_samples", "1", "--skip_grid", "--scale", "1"}).exit_code, 0);
  for (int i = 0; i < 5; ++i) {
    for (int k = 0; k < i; ++k) EXPECT_NE(sample(i), sample(k)) << i << " and " << k;
  }
}

TEST_F(Txt2Img, AShortLastBatchLeavesTheOthersAsTheyAre) {
  const std::string prompts = out_.write("prompts.txt", "one\ntwo\nthree\n").string();
  const Finished cut = draw({"--from-file", prompts, "--skip_grid"});
  ASSERT_EQ(cut.exit_code, 0) << cut.err;
  EXPECT_EQ(lines_of(cut.out).size(), 3U);
  const std::string longer = out_.write("longer.txt", "one\ntwo\nthree\nfour").string();
  ASSERT_EQ(draw({"--from-file", longer, "--skip_grid"}).exit_code, 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sample(i), sample(3 + i)) << i;
}

TEST_F(Txt2Img, WritesWhatIsAskedFor) {
  const Finished grid = draw({"--skip_save", "--n_rows", "1"});
  ASSERT_EQ(grid.exit_code, 0) << grid.err;
  EXPECT_EQ(files(), Words({"grid-0000.png"}));
  EXPECT_EQ(read_image(out_ / "out/grid-0000.png").height, 2 * 66 + 2);
  ASSERT_EQ(draw({"--skip_grid"}).exit_code, 0);
  EXPECT_EQ(files(), Words({"grid-0000.png", "samples/00000.png", "samples/00001.png"}));
  const Finished nothing = draw({"--skip_grid", "--skip_save", "--quiet"});
  EXPECT_EQ(nothing.exit_code, 0);
  EXPECT_EQ(nothing.out + nothing.err, "");
}

TEST_F(Txt2Img, QuietPrintsPathsOnly) {
  const Finished loud = draw();
  EXPECT_NE(loud.err.find("device: cpu"), std::string::npos) << loud.err;
  EXPECT_NE(loud.err.find("watermark: left out"), std::string::npos) << loud.err;
  EXPECT_NE(loud.err.find("sample 2/2"), std::string::npos) << loud.err;
  EXPECT_EQ(loud.err.find('\r'), std::string::npos);  // no terminal, no progress bar
  for (const char* quiet : {"--quiet", "-q"}) {
    const Finished run = draw({quiet});
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_EQ(run.err, "");
    EXPECT_EQ(lines_of(run.out).size(), 3U);
  }
}

TEST_F(Txt2Img, SaysWhichWordsTheModelDoesNotSee) {
  std::string longer = "first";
  for (int i = 0; i < 75; ++i) longer += " word";
  const Finished done = draw({"--prompt", longer});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_NE(done.err.find("does not see \"word\""), std::string::npos) << done.err;
}

TEST_F(Txt2Img, RefusesFlagsBeforeItReadsTheCheckpoint) {
  const std::string damaged = out_.write("damaged.ckpt", "never looked at").string();
  const Words start = {"--ckpt", damaged, "--config", config()};
  const std::vector<std::pair<Words, std::string>> refused = {
      {{"--H", "100"}, "--H must be a multiple of 64"},
      {{"--plms", "--ddim_eta", "0.5"}, "--ddim_eta must be 0 with the sampler plms"},
      {{"--ddim_eta", "9"}, "--ddim_eta 9 is too large"},
      {{"--ddim_steps", "0"}, "--ddim_steps must be from 1 to 1000"},
      {{"--ddim_steps", "1", "--dpm_solver"}, "from 2 to 10000"},
      {{"--n_samples", "0"}, "--n_samples"},
      {{"--C", "3"}, "--C must be 4"},
      {{"--prompt", "\xff"}, "UTF-8"},
      {{"--scale", "nan"}, "--scale"},
      {{"--from-file", out_.write("empty.txt", "").string()}, "has no lines"},
      {{"--device", "tpu"}, "--device takes"},
      {{"--threads", "-1"}, "--threads"},
  };
  for (const auto& [flags, part] : refused) {
    SCOPED_TRACE(flags[0] + " " + flags[1]);
    Words words = start;
    words.insert(words.end(), flags.begin(), flags.end());
    const Finished failed = draw(words);
    expect_failure(failed, 2, part);
  }
  const Finished size = draw({"--H", "100"});
  EXPECT_NE(size.err.find("hint: nearest: 64 and 128\n"), std::string::npos) << size.err;
  EXPECT_EQ(files(), Words());
}

TEST_F(Txt2Img, SaysThatThereIsNoSuchDevice) {
  const Finished failed = draw({"--device", "cuda:63"});
  expect_failure(failed, 5, "--device cuda:63");
  EXPECT_EQ(files(), Words());
}

TEST_F(Txt2Img, RefusesWhatIsNoCheckpoint) {
  const std::string whole = read_file(checkpoint());
  const std::vector<std::pair<const char*, std::string>> contents = {
      {"text.ckpt", "These are not the weights that you are looking for.\n"},
      {"cut.safetensors", whole.substr(0, whole.size() / 2)},
      {"short.safetensors", whole.substr(0, 100)},
  };
  for (const auto& [name, bytes] : contents) {
    SCOPED_TRACE(name);
    const std::string path = out_.write(name, bytes).string();
    expect_failure(draw({"--ckpt", path, "--config", config()}), 4, name);
  }
  const std::string empty = out_.write("empty.ckpt", "").string();
  expect_failure(draw({"--ckpt", empty, "--config", config()}), 3, "empty.ckpt");
  EXPECT_EQ(files(), Words());
}

TEST_F(Txt2Img, RefusesATorchCheckpointThatIsCut) {
  const std::string path = (out_ / "whole.ckpt").string();
  ASSERT_EQ(run({"random-checkpoint", path, "--config", config()}).exit_code, 0);
  const Words skip = {"--config", config(), "--skip_grid"};
  Words words = {"--ckpt", path};
  words.insert(words.end(), skip.begin(), skip.end());
  ASSERT_EQ(draw(words).exit_code, 0);  // the same model in the other format
  ASSERT_EQ(draw({"--skip_grid"}).exit_code, 0);
  EXPECT_EQ(sample(0), sample(2));
  const std::string whole = read_file(path);
  words[1] = out_.write("cut.ckpt", whole.substr(0, whole.size() - 1000)).string();
  expect_failure(draw(words), 4, "cut.ckpt");
}

TEST_F(Txt2Img, NamesEveryTensorThatDoesNotFitTheConfig) {
  json wider = tiny_config();
  params_of(wider, {"unet_config"})["model_channels"] = 64;
  params_of(wider, {"first_stage_config"})["ddconfig"]["num_res_blocks"] = 2;
  const std::string path = write_config(*model_, wider, "wider.yaml").string();
  const Finished failed = draw({"--config", path});
  expect_failure(failed, 4, "misshapen tensors");
  for (const char* tensor :
       {"  model.diffusion_model.out.2.weight expected [4, 64, 3, 3], found [4, 32, 3, 3]\n",
        "  model.diffusion_model.input_blocks.0.0.bias expected [64], found [32]\n",
        "  first_stage_model.decoder.up.0.block.2.conv1.weight expected [32, 32, 3, 3], found "
        "none\n"}) {
    EXPECT_NE(failed.err.find(tensor), std::string::npos) << tensor;
  }
  EXPECT_EQ(failed.err.find("time_embed.0.weight expected [128, 32]"), std::string::npos);
}

TEST_F(Txt2Img, RefusesAveragedWeightsThatAreNotThere) {
  expect_failure(draw({"--weights", "ema"}), 4, "--weights ema");
  EXPECT_EQ(draw({"--weights", "plain", "--skip_grid"}).exit_code, 0);
}

TEST_F(Txt2Img, SaysOnceThatAKeyIsUnknown) {
  json config = tiny_config();
  params_of(config)["num_step"] = 5;
  const std::string path = write_config(*model_, config, "unknown.yaml").string();
  const Finished drawn = draw({"--config", path, "--skip_grid"});
  EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_EQ(count_lines(drawn.err, "config: config.model.params.num_step is an unknown key"), 1)
      << drawn.err;
}

TEST_F(Txt2Img, RefusesABadConfigByItsKey) {
  json bad = tiny_config();
  params_of(bad, {"unet_config"})["num_heads"] = "many";
  const std::string path = write_config(*model_, bad, "bad.yaml").string();
  expect_failure(draw({"--config", path}), 4, "unet_config.params.num_heads");
}

TEST_F(Txt2Img, RefusesAFolderThatCannotBeUsed) {
  out_.write("out", "a file");
  expect_failure(draw(), 3, "is a file");
}

TEST_F(Txt2Img, FailsWhereAPictureIsNotNumbers) {
  std::string bytes = read_file(checkpoint());
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof(header));
  const json index = json::parse(bytes.substr(8, header));
  const uint64_t bias = index.at("first_stage_model.decoder.conv_out.bias").at("data_offsets")[0];
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + 8 + header + bias, &nan, sizeof(nan));
  const std::string broken = out_.write("broken.safetensors", bytes).string();
  for (const char* flag : {"-q", "-v"}) {
    const Finished done = draw({"--ckpt", broken, "--config", config(), flag});
    EXPECT_EQ(done.exit_code, 4);
    EXPECT_EQ(count_lines(done.err, "error: 2 pictures hold values that are not numbers"), 1)
        << done.err;
    EXPECT_EQ(lines_of(done.out).size(), 3U);  // they are there to be looked at
  }
}

TEST_F(Txt2Img, NamesTheHugeWeightThatMakesAPictureNoNumbers) {
  const Finished done =
      draw({"--prompt-syntax", "webui", "--prompt", "(a:" + std::string(45, '9') + ")"});
  EXPECT_EQ(done.exit_code, 4);
  EXPECT_NE(done.err.find("hint: this is probably for the weight 1e+45 of \"a\" in a prompt"),
            std::string::npos)
      << done.err;
}

TEST_F(Txt2Img, DrawsNothingPastACheckerThatCannotBeReached) {
  for (const char* link :
       {"models", "models/safety_checker", "models/safety_checker/model.safetensors",
        "models/safety_checker/pytorch_model.bin"}) {
    SCOPED_TRACE(link);
    const TempFolder place;
    std::filesystem::create_directories((place / link).parent_path());
    std::filesystem::create_symlink("nowhere", place / link);
    expect_failure(run(arguments(), "", place.path()), 3,
                   "the safety checker cannot be reached at ");
    EXPECT_EQ(files(), Words());
    EXPECT_EQ(run(arguments({"--safety", "off"}), "", place.path()).exit_code, 0);
    std::filesystem::remove_all(out_ / "out");
  }
}

TEST_F(Txt2Img, RefusesAFolderThatCannotBeBeforeItReadsTheCheckpoint) {
  const std::string damaged = out_.write("damaged.ckpt", "never looked at").string();
  std::filesystem::create_symlink("nowhere", out_ / "link");
  for (const char* outdir : {"link", "link/below"}) {
    const Finished failed =
        draw({"--ckpt", damaged, "--config", config(), "--outdir", (out_ / outdir).string()});
    expect_failure(failed, 3, "link is a link to something that is not there");
  }
  const std::string long_name = (out_ / std::string(300, 'n') / "below").string();
  expect_failure(draw({"--ckpt", damaged, "--config", config(), "--outdir", long_name}), 3,
                 "File name too long");
}

TEST_F(Txt2Img, KeepsWhatIsDrawnWhenItIsStopped) {
  Program program(arguments({"--n_iter", "100000", "--n_samples", "1"}));
  ASSERT_TRUE(program.wait_for_line()) << program.err();
  program.send(SIGINT);
  EXPECT_EQ(program.wait(), 130) << program.err();
  const auto printed = lines_of(program.out());
  ASSERT_GE(printed.size(), 2U);  // a picture and the grid at least
  for (const std::string& path : printed) EXPECT_GT(read_image(path).width, 0) << path;
  EXPECT_EQ(files().size(), printed.size());
  EXPECT_NE(printed.back().find("grid-0000.png"), std::string::npos);
  EXPECT_EQ(count_lines(program.err(), "error: stopped; "), 1) << program.err();
}

TEST_F(Txt2Img, StopsBeforeTheFirstPicture) {
  Program program(arguments({"--ddim_steps", "1000", "--n_samples", "64", "--skip_grid"}));
  ASSERT_TRUE(program.wait_until([&] {
    return program.err().find("sample 0/") != std::string::npos;
  })) << program.err();
  program.send(SIGTERM);
  EXPECT_EQ(program.wait(), 130) << program.err();
  EXPECT_EQ(program.out(), "");
  EXPECT_EQ(files(), Words());
}

}  // namespace
}  // namespace sd::test
