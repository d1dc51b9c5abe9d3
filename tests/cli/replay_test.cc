// Pictures drawn again from what their files say, and what keeps one from being drawn again.

#include <sys/stat.h>

#include "cli/picture_files.h"
#include "cli/small_model.h"
#include "image/png_metadata.h"
#include "support/pattern.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;

class Replay : public SmallModel {
 protected:
  /// Draws, which must work.
  void drawn(const std::string& script, const Words& more, const std::string& input = "") const {
    const Finished done = draw_here(script, more, input);
    ASSERT_EQ(done.exit_code, 0) << done.err;
  }
  Words samples() const {
    Words paths;
    for (const std::string& name : files()) {
      if (name.rfind("samples/", 0) == 0) paths.push_back("out/" + name);
    }
    return paths;
  }
  /// Draws all samples again, which must be `count`; all must be the same.
  void expect_all_identical(size_t count) const {
    Words words = samples();
    EXPECT_EQ(words.size(), count);
    words.insert(words.begin(), {"replay", "--json"});
    const Finished done = run_here(words);
    ASSERT_EQ(done.exit_code, 0) << done.err;
    const auto lines = lines_of(done.out);
    ASSERT_EQ(lines.size(), words.size() - 2);
    for (size_t i = 0; i < lines.size(); ++i) {
      const json line = json::parse(lines[i]);
      EXPECT_EQ(line.at("file"), words[i + 2]);
      EXPECT_EQ(line.at("largest_difference"), 0) << lines[i];
      EXPECT_EQ(line.at("differing"), 0) << lines[i];
    }
  }
  /// The PNG again with another record.
  void rewrite(const std::string& path, const std::string& record, const std::string& to) const {
    PngMetadata metadata;
    metadata.add("stable-diffusion", record);
    ASSERT_EQ(write_png(out_ / to, read_image(out_ / path), metadata), WriteOutcome::kWritten);
  }
  json record_of(const std::string& path) const {
    return json::parse(*read_png_metadata(out_ / path).find("stable-diffusion"));
  }
};

const char* const kLines =
    "a cat\n"
    "a dog --plms --negative-prompt 'a cat'\n"
    "a house --ddim_eta 1\n"
    "\n"
    "a tree --dpm_solver\n"
    "the sea --scale 1\n"
    "a second sea --scale 1 --ddim_eta 0.5\n"
    "a wide one --W 128 --scale -3\n"
    "another dog --plms --scale 2\n"
    "its own --seed 18446744073709551615\n"
    "its own, too --seed 7 --ddim_eta 1 --ddim_steps 3\n";
constexpr size_t kLineCount = 11;

TEST_F(Replay, DrawsTheSharedStreamAgain) {
  drawn("txt2img", {"--from-file", "-", "--n_samples", "3"}, kLines);
  drawn("txt2img", {"--from-file", "-", "--n_samples", "2", "--n_iter", "2", "--rng", "cpu"},
        kLines);
  drawn("txt2img", {"--from-file", "-", "--n_samples", "4", "--fixed_code"}, kLines);
  expect_all_identical(4 * kLineCount);
}

TEST_F(Replay, DrawsStreamsOfTheirOwnAgain) {
  const Words image = {"--from-file", "-", "--seed-mode", "image", "--n_samples", "3"};
  for (const Words& more : {Words({"--n_iter", "2", "--seed", "-2"}), Words({"--rng", "cpu"})}) {
    Words words = image;
    words.insert(words.end(), more.begin(), more.end());
    drawn("txt2img", words, kLines);
  }
  expect_all_identical(3 * kLineCount);
}

TEST_F(Replay, DrawsFixedCodesAgain) {
  for (const char* rng : {"cuda", "cpu"}) {
    for (const char* eta : {"0", "1"}) {
      drawn("txt2img",
            {"--fixed_code", "--rng", rng, "--ddim_eta", eta, "--n_samples", "2", "--n_iter", "2"});
    }
  }
  drawn("txt2img", {"--fixed_code", "--plms", "--n_samples", "3"});
  expect_all_identical(4 * 4 + 3);
}

TEST_F(Replay, DrawsFromPicturesAgain) {
  write_png(out_ / "init.png", pattern("smooth", 64, 64, 1));
  write_png(out_ / "odd.png", pattern("smooth", 150, 130, 2));
  out_.write("photos/lying.jpg", with_orientation(jpeg_bytes(pattern("smooth", 200, 100, 3)), 6));
  const std::string lines =
      "a cat\na dog --plms\nb --init-img odd.png\nc --init-img odd.png --ddim_eta 1\n"
      "d --strength 0\ne --strength 1\nf --seed 9 --init-img photos/lying.jpg\n"
      "g --init-img photos/lying.jpg --scale 1\n";
  const Words from = {"--init-img", "init.png", "--from-file", "-"};
  const std::vector<Words> ways = {
      {"--n_samples", "2", "--n_iter", "2"},
      {"--n_samples", "2", "--rng", "cpu", "--fixed_code", "--n_iter", "2"},
      {"--n_samples", "4", "--fixed_code", "--fit", "128x128", "--exif"},
      {"--n_samples", "3", "--seed-mode", "image", "--exif", "--rng", "cpu"}};
  for (const Words& way : ways) {
    Words words = from;
    words.insert(words.end(), way.begin(), way.end());
    drawn("img2img", words, lines);
  }
  expect_all_identical(6 * 8);
}

TEST_F(Replay, DrawsWatermarksAgain) {
  const Words large = {"--H", "256", "--W", "256", "--ddim_steps", "1"};
  for (const Words& more :
       {Words(), Words({"--watermark", "mine, 日本"}), Words({"--no-watermark"})}) {
    Words words = large;
    words.insert(words.end(), more.begin(), more.end());
    drawn("txt2img", words);
  }
  EXPECT_NE(sample(0), sample(1));
  EXPECT_NE(sample(0), sample(2));
  expect_all_identical(3);
}

TEST_F(Replay, DrawsStrangePromptsAgain) {
  const std::string longest(100'000, 'x');
  drawn("txt2img", {"--from-file", "-"}, std::string("a\0b\n", 4) + longest + "\n日本語 😀 é\n");
  expect_all_identical(3);
}

TEST_F(Replay, SaysThatALossyFileTellsLittle) {
  for (const auto& [format, name] : {std::pair{"jpg", "JPEG"}, {"webp", "WebP"}}) {
    drawn("txt2img", {"--format", format, "--outdir", format, "--n_samples", "1"});
    const std::string file = std::string(format) + "/samples/00000." + format;
    const Finished words = run_here({"replay", file});
    EXPECT_EQ(words.exit_code, 0) << words.err;
    EXPECT_NE(words.out.find(std::string("(its ") + name + " is lossy"), std::string::npos)
        << words.out;
    const json line = json::parse(run_here({"replay", "--json", file}).out);
    EXPECT_EQ(line.at("lossy"), name);
  }
}

TEST_F(Replay, SaysWhatItFindsInWords) {
  drawn("txt2img", {});
  const Finished same = run_here({"replay", "out/samples/00000.png"});
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_EQ(same.out, "out/samples/00000.png: identical\n");
  Image touched = sample(0);
  touched.rgb[5] = static_cast<uint8_t>(touched.rgb[5] < 128 ? 200 : 100);
  const int by = std::abs(touched.rgb[5] - sample(0).rgb[5]);
  write_png(out_ / "touched.png", touched, read_png_metadata(sample_path(0)));
  const Finished other = run_here({"replay", "touched.png", "--out", "again.png"});
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_EQ(other.out, "touched.png: the largest difference is " + std::to_string(by) +
                           " of 255; 1 of 12288 values differ\n");
  EXPECT_EQ(read_image(out_ / "again.png"), sample(0));
  EXPECT_EQ(record_of("again.png"), record_of("out/samples/00000.png"));
  expect_failure(run_here({"replay", "touched.png", "touched.png", "--out", "x.png"}), 2, "--out");
  const Finished taken = run_here({"replay", "touched.png", "--out", "again.png"});
  EXPECT_EQ(taken.exit_code, 3);
  EXPECT_NE(taken.err.find("again.png is already there"), std::string::npos) << taken.err;
}

TEST_F(Replay, NeedsAPictureThatSaysHowItWasDrawn) {
  drawn("txt2img", {"--no-metadata"});
  EXPECT_TRUE(read_png_metadata(sample_path(0)).texts.empty());
  expect_failure(run_here({"replay", "out/samples/00000.png"}), 3, "does not say how it was drawn");
  const Finished grid = draw({"--skip_save"});
  ASSERT_EQ(grid.exit_code, 0) << grid.err;
  expect_failure(run_here({"replay", "out/grid-0000.png"}), 3, "is a grid of several pictures");
  out_.write("text.png", "no picture");
  EXPECT_EQ(run_here({"replay", "text.png"}).exit_code, 3);
  EXPECT_EQ(run_here({"replay", "no/such.png"}).exit_code, 3);
  EXPECT_EQ(run_here({"replay"}).exit_code, 2);
}

TEST_F(Replay, NeedsTheModelThatDrewIt) {
  drawn("txt2img", {});
  std::string other = read_file(checkpoint());
  other.back() = static_cast<char>(other.back() ^ 1);
  out_.write("other.safetensors", other);
  const std::string png = "out/samples/00000.png";
  expect_failure(
      run_here({"replay", png, "--ckpt", "other.safetensors", "--config", "model/model.yaml"}), 4,
      "is another model");
  expect_failure(run_here({"replay", png, "--ckpt", "absent.safetensors"}), 3,
                 "absent.safetensors");
  // An absolute path leaves its name only, which must be told again.
  ASSERT_EQ(draw({"--n_samples", "1", "--skip_grid"}).exit_code, 0);
  EXPECT_EQ(record_of("out/samples/00001.png").at("model").at("checkpoint"), "model.safetensors");
  const Finished named =
      run_here({"replay", "out/samples/00001.png", "--ckpt", "model/model.safetensors"});
  EXPECT_EQ(named.out, "out/samples/00001.png: identical\n") << named.err;
}

TEST_F(Replay, NeedsTheInitImageThatItStartedFrom) {
  write_png(out_ / "init.png", pattern("smooth", 64, 64, 1));
  drawn("img2img", {"--init-img", "init.png"});
  const std::string png = "out/samples/00000.png";
  std::filesystem::rename(out_ / "init.png", out_ / "moved.png");
  expect_failure(run_here({"replay", png}), 3, "the init image init.png is not there");
  EXPECT_EQ(run_here({"replay", png, "--init-img", "moved.png"}).out, png + ": identical\n");
  write_png(out_ / "init.png", pattern("smooth", 64, 64, 2));
  expect_failure(run_here({"replay", png}), 3, "init.png is not the picture that the run started");
  write_png(out_ / "large.png", pattern("smooth", 128, 64, 1));
  expect_failure(run_here({"replay", png, "--init-img", "large.png"}), 3, "large.png is not");
}

TEST_F(Replay, RefusesDamagedRecords) {
  drawn("txt2img", {});
  const std::string png = "out/samples/00000.png";
  const json record = record_of(png);
  int number = 0;
  const auto expect = [&](const std::string& text, int exit_code) {
    const std::string name = "damaged" + std::to_string(number++) + ".png";
    rewrite(png, text, name);
    const Finished failed = run_here({"replay", name});
    EXPECT_EQ(failed.exit_code, exit_code) << text.substr(0, 300) << failed.err;
    EXPECT_EQ(count_lines(failed.err, "error: "), 1) << failed.err;
    EXPECT_EQ(failed.out, "");
  };
  const auto changed = [&](const char* place, const json& value) {
    json other = record;
    other.at(json::json_pointer(place)) = value;
    return other.dump();
  };
  expect("", 3);
  expect(record.dump().substr(0, 200), 3);
  expect(std::string(1'000'000, '[') + std::string(1'000'000, ']'), 3);
  expect(changed("/width", 1e300), 3);
  expect(changed("/width", 65), 3);
  expect(changed("/width", 128), 3);  // not the picture's
  expect(changed("/sampler", "eular"), 3);
  expect(changed("/steps", -1), 2);
  expect(changed("/draw/batch", 1'000'000), 3);
  json huge = json::parse(changed("/draw/batch", 1024));  // 2^34 pixels at once
  huge["width"] = huge["height"] = 4096;
  expect(huge.dump(), 3);
  huge["draw"]["batch"] = 1;
  huge["draw"]["noise_rows"] = 1024;
  expect(huge.dump(), 3);
  expect(changed("/draw/row", 1), 2);
  expect(changed("/draw/offset", UINT64_MAX), 3);
  expect(changed("/device/threads", 1'000'000), 2);
}

TEST_F(Replay, FollowsAPictureToRegularFilesOnly) {
  write_png(out_ / "init.png", pattern("smooth", 64, 64, 1));
  drawn("img2img", {"--init-img", "init.png"});
  const std::string png = "out/samples/00000.png";
  ASSERT_EQ(mkfifo((out_ / "pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/zero", out_ / "link");
  out_.write("empty", "");
  const std::string long_yaml = out_.write("long", std::string(3 << 20, ' ')).filename().string();
  int number = 0;
  for (const char* place : {"/model/checkpoint", "/model/config", "/init_image/file"}) {
    for (const char* path : {"/dev/zero", "/dev/tty", "/dev/stdin", "pipe", "link", "/dev",
                             "/proc/self/mem", "/proc/kmsg", "empty"}) {
      SCOPED_TRACE(std::string(place) + " " + path);
      if (std::string(place) == "/model/checkpoint" && std::string(path) == "/dev") continue;
      json record = record_of(png);
      record.at(json::json_pointer(place)) = path;
      const std::string name = "hostile" + std::to_string(number++) + ".png";
      rewrite(png, record.dump(), name);
      const Finished failed = run_here({"replay", name});
      EXPECT_EQ(failed.exit_code, 3);
      const bool absent = !std::filesystem::exists(path) && path[0] == '/';
      EXPECT_TRUE(absent || failed.err.find("expected a regular file at ") != std::string::npos ||
                  failed.err.find("cannot be opened") != std::string::npos)
          << failed.err;
      EXPECT_EQ(failed.out, "");
    }
  }
  json record = record_of(png);
  record["model"]["config"] = long_yaml;
  rewrite(png, record.dump(), "long.png");
  expect_failure(run_here({"replay", "long.png"}), 3, "found 3.0 MiB");
}

TEST_F(Replay, FindsFilesWhoseNamesAreNotUtf8) {
  write_png(out_ / "caf\xe9.png", pattern("smooth", 64, 64, 1));
  std::filesystem::copy(out_ / "model/model.safetensors", out_ / "mod\xe8le.safetensors");
  std::filesystem::copy(out_ / "model/model.yaml", out_ / "mod\xe8le.yaml");
  std::filesystem::copy(out_ / "model/clip", out_ / "clip",
                        std::filesystem::copy_options::recursive);
  drawn("img2img", {"--init-img", "caf\xe9.png", "--ckpt", "mod\xe8le.safetensors"});
  expect_all_identical(1);
}

TEST_F(Replay, SaysWhichFilesThePictureNames) {
  write_png(out_ / "init.png", pattern("smooth", 64, 64, 1));
  drawn("img2img", {"--init-img", "init.png"});
  const Finished done = run_here({"replay", "out/samples/00000.png"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  for (const char* line : {"checkpoint: model/model.safetensors, which the picture names\n",
                           "config: model/model.yaml, which the picture names\n",
                           "init image: init.png, which the picture names\n"}) {
    EXPECT_NE(done.err.find(line), std::string::npos) << line << done.err;
  }
}

TEST_F(Replay, SaysThatAPictureWasResized) {
  drawn("txt2img", {});
  write_png(out_ / "cropped.png", Image(32, 64), read_png_metadata(sample_path(0)));
  expect_failure(run_here({"replay", "cropped.png"}), 3, "does not have the size");
}

}  // namespace
}  // namespace sd::test
