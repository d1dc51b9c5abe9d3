// Pictures of AUTOMATIC1111's web UI, drawn again by what their texts say, and other programs'
// records as command lines.

#include <iomanip>
#include <sstream>

#include "cli/picture_files.h"
#include "cli/small_model.h"
#include "image/png_metadata.h"
#include "support/golden.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;

struct Recorded {
  std::string file;
  double share = 0.005;  ///< of the values that may differ
  double most = 2;       ///< by so much
};

/// Cases whose settings the web UI does not write, that start from a latent, or whose steps hang on
/// the last bit.
bool is_left_out(const std::string& id) {
  const std::string number = id.substr(0, 4);
  if (number >= "a147" && number <= "a159") return true;
  for (const char* each : {"a067", "a074", "a089", "a090", "a101", "a102", "a103", "a104"}) {
    if (number == each) return true;
  }
  return false;
}

class WebUiReplay : public ::testing::Test {
 protected:
  /// The recorded pictures of a folder as PNGs that carry their texts.
  std::vector<Recorded> pictures_of(const std::string& part) {
    std::vector<Recorded> all;
    for (const auto& entry : std::filesystem::directory_iterator(a1111_dir() / part)) {
      const std::string id = entry.path().filename().string();
      if (!entry.is_directory() || is_left_out(id)) continue;
      std::ifstream file(entry.path() / "case.json");
      const json recorded = json::parse(file);
      for (size_t k = 0; k < recorded.at("infotexts").size(); ++k) {
        const auto picture = entry.path() / (std::to_string(k) + ".png");
        if (!recorded.at("error").is_null() || !std::filesystem::exists(picture)) continue;
        PngMetadata texts;
        texts.add("parameters", recorded.at("infotexts")[k]);
        Recorded one{.file = id + "-" + std::to_string(k) + ".png"};
        write_png(folder_ / one.file, read_image(picture), texts);
        const json floor = recorded.at("floor").value("perturb", json::object());
        if (floor.is_object()) {
          one.share = std::max(one.share, 3 * floor.value("u8_share", 0.0));
          one.most = std::max(one.most, 3 * floor.value("u8_max", 0.0));
        }
        all.push_back(one);
      }
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.file < b.file; });
    return all;
  }

  void expect_drawn_again(const std::vector<Recorded>& pictures) {
    const auto models = reference_dir() / "ckpt";
    Words words = {"replay",
                   "--json",
                   "--quiet",
                   "--ckpt",
                   (models / "sd-tiny.ckpt").string(),
                   "--config",
                   (models / "sd-tiny.yaml").string()};
    for (const Recorded& picture : pictures) words.push_back(picture.file);
    const Finished done = run(words, "", folder_.path().string());
    ASSERT_EQ(done.exit_code, 0) << done.err;
    const auto lines = lines_of(done.out);
    ASSERT_EQ(lines.size(), pictures.size());
    for (size_t i = 0; i < lines.size(); ++i) {
      const json line = json::parse(lines[i]);
      EXPECT_LE(line.at("largest_difference").get<double>(), pictures[i].most) << lines[i];
      EXPECT_LE(line.at("differing").get<double>(),
                pictures[i].share * line.at("values").get<double>())
          << lines[i];
    }
  }

  TempFolder folder_;
};

TEST_F(WebUiReplay, ATextIsEnoughToDrawItsPictureAgain) {
  SD_NEEDS_A1111();
  const auto pictures = pictures_of("cases");
  EXPECT_GE(pictures.size(), 41U);  // those whose pixels are stored
  expect_drawn_again(pictures);
}

TEST_F(WebUiReplay, ATextIsEnoughForASecondPass) {
  SD_NEEDS_A1111();
  const auto pictures = pictures_of("hires");
  EXPECT_GE(pictures.size(), 9U);
  expect_drawn_again(pictures);
}

constexpr const char* kText =
    "a red heart\nNegative prompt: grey\nSteps: 2, Sampler: Euler a, CFG scale: 3, Seed: 7, Size: "
    "64x64, Model hash: ";

class ForeignPicture : public SmallModel {
 protected:
  void write(const std::string& name, const std::string& text) const {
    PngMetadata texts;
    texts.add("parameters", text);
    write_png(out_ / name, Image(64, 64), texts);
  }
  static std::string hash() {
    return json::parse(run({"inspect", "--json", "--sha256", checkpoint()}).out)
        .at("sha256")
        .get<std::string>();
  }
};

TEST_F(ForeignPicture, FindsItsModelByItsHash) {
  write("x.png", kText + hash().substr(0, 10) + ", Model: other, Version: v1.10.1");
  const Finished done = run_here({"replay", "--models", "model", "--out", "y.png", "x.png"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.err.find("model.safetensors, which fits the picture's model hash"),
            std::string::npos)
      << done.err;
  EXPECT_EQ(done.out.rfind("x.png: the largest difference is ", 0), 0U) << done.out;
  // The picture that was drawn says how, and is the same again.
  const Finished again = run_here({"replay", "--ckpt", checkpoint(), "y.png"});
  EXPECT_EQ(again.out, "y.png: identical\n") << again.err;
  write("z.png", std::string(kText) + "0123456789, Model: model, Version: v1.10.1");
  expect_failure(run_here({"replay", "--models", "model", "z.png"}), 3, "0123456789");
}

TEST_F(ForeignPicture, IsDrawnApproximatelyOnlyIfAskedTo) {
  write("x.png", std::string(kText) + "0123456789, Tiling: True, Odd field: 3, Version: v1.10.1");
  const Words words = {"replay", "--ckpt", checkpoint(), "x.png"};
  expect_failure(run_here(words), 3, "Tiling: True; Odd field: 3");
  Words approximately = words;
  approximately.push_back("--approximately");
  const Finished done = run_here(approximately);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(count_lines(done.err, "not as it was drawn: "), 2) << done.err;
}

TEST_F(ForeignPicture, IsShownAsACommandLine) {
  write("x.png", std::string(kText) + "0123456789, Clip skip: 2, ENSD: 31337, Version: v1.5.1");
  const Finished flags = run_here({"show", "--flags", "x.png"});
  EXPECT_EQ(flags.exit_code, 0) << flags.err;
  for (const char* part :
       {"sd txt2img ", " --prompt 'a red heart'", " --negative-prompt grey", " --sampler euler_a",
        " --ddim_steps 2", " --scale 3", " --seed 7", " --H 64", " --clip-skip 2",
        " --eta-noise-seed-delta 31337", " --downcast-alphas", " --prompt-syntax webui"}) {
    EXPECT_NE((flags.out + " ").find(part), std::string::npos) << part << "\n" << flags.out;
  }
  const json shown = json::parse(run_here({"show", "--json", "x.png"}).out);
  EXPECT_EQ(shown.at("settings").at("steps"), 2);
  EXPECT_EQ(shown.at("infotext").at("fields").at("Downcast alphas_cumprod"), true);
  EXPECT_EQ(shown.at("cannot"), json::array());
}

TEST_F(ForeignPicture, IsShownAsFlagsThatCanBeReadWhateverItHolds) {
  write("x.png", std::string(kText) +
                     "0123456789, CFG scale: nan, Seed: -1, Hires upscale: 0, Denoising "
                     "strength: 0.7, Steps: -5, "
                     "Version: v1.10.1");
  const Finished flags = run_here({"show", "--flags", "x.png"});
  EXPECT_EQ(flags.exit_code, 0) << flags.err;
  for (const char* reason :
       {"CFG scale: nan", "Seed: -1 stands for a random one", "Steps: -5", "a second pass"}) {
    EXPECT_EQ(count_lines(flags.err, std::string("not the same picture: ") + reason), 1)
        << flags.err;
  }
  Words words;
  for (std::istringstream line(flags.out.substr(std::string("sd txt2img ").size())); line;) {
    std::string word;
    if (line >> std::quoted(word, '\'')) words.push_back(word);
  }
  words.insert(words.begin(), {"plan", "--ckpt", checkpoint()});
  const Finished planned = run_here(words);
  EXPECT_EQ(planned.exit_code, 0) << planned.err;
}

TEST_F(ForeignPicture, ABrokenRecordIsNone) {
  PngMetadata texts;
  texts.add("prompt", R"({"3": {"class_type": "KSampler", "inp)");
  write_png(out_ / "x.png", Image(64, 64), texts);
  const Finished shown = run_here({"show", "--json", "x.png"});
  EXPECT_EQ(shown.exit_code, 3);
  EXPECT_EQ(json::parse(shown.out).at("settings").at("error"), "not a record");
  expect_failure(run_here({"replay", "--ckpt", checkpoint(), "x.png"}), 3, "not a record");
  write("y.png", std::string(10 << 20, 'a') + "\nSteps: 2, Sampler: Euler, Seed: 1");
  EXPECT_EQ(run_here({"show", "--json", "y.png"}).exit_code, 3);
}

}  // namespace
}  // namespace sd::test
