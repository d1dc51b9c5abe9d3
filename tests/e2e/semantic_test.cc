// Pictures of the built-in model show what their words say: by their background, their main colour,
// and the emoji that they are nearest to.

#include <gtest/gtest.h>

#include <algorithm>

#include "cli/run_program.h"
#include "e2e/glyphs.h"

namespace sd::test {
using namespace image;

namespace {

using Words = std::vector<std::string>;

struct Prompt {
  const char* glyph;
  const char* background;
  const char* main_colour;
  int seed;
};

constexpr Prompt kPrompts[] = {
    {"heart", "blue", "red", 1},
    {"panda", "yellow", "white", 2},
    {"apple", "white", "red", 4},
    {"pumpkin", "black", "orange", 5},
    {"car", "green", "red", 8},
    {"strawberry", "turquoise", "red", 12},
    {"ghost", "red", "white", 13},
    {"blue heart", "yellow", "blue", 14},
    {"soccer ball", "red", "white", 16},
    {"tree", "white", "green", 21},
    {"yellow heart", "blue", "yellow", 23},
    {"tangerine", "turquoise", "orange", 25},
};

constexpr const char* kFlags[] = {"--ckpt",       SD_SOURCE_DIR "/models/demo/model.safetensors",
                                  "--H",          "128",
                                  "--W",          "128",
                                  "--ddim_steps", "25",
                                  "--scale",      "4",
                                  "--n_samples",  "6",
                                  "--n_iter",     "1",
                                  "--safety",     "off",
                                  "--skip_grid"};

const Glyphs& glyphs() {
  static const Glyphs kGlyphs(SD_SOURCE_DIR "/tests/data/demo");
  return kGlyphs;
}

std::string with_article(const std::string& noun) {
  return (std::string("aeiou").find(noun[0]) == std::string::npos ? "a " : "an ") + noun;
}

std::string words(const Prompt& prompt) {
  return with_article(prompt.glyph) + " on " + with_article(prompt.background) + " background";
}

/// RMS differences of a picture to every glyph, laid on the picture's own background.
std::vector<double> distances(const Image& image) {
  const SmallPicture small = shrink(image, glyphs().side());
  const Colour background = border_colour(image);
  std::vector<double> all;
  for (size_t i = 0; i < glyphs().names().size(); ++i) {
    all.push_back(rms(small, glyphs().on(i, background)));
  }
  return all;
}

/// What in the picture is not as the prompt says: none, or words for each.
Words complaints(const Prompt& prompt, const Image& image) {
  Words found;
  const std::string background = glyphs().colour_name(border_colour(image));
  if (background != prompt.background) found.push_back("the background is " + background);

  const SmallPicture small = shrink(image, glyphs().side());
  const size_t own = glyphs().index(prompt.glyph);
  const std::string main = glyphs().main_colour(small, glyphs().area(own));
  if (main != prompt.main_colour) found.push_back("the main colour is " + main);

  const std::vector<double> all = distances(image);
  const auto nearest = static_cast<size_t>(std::min_element(all.begin(), all.end()) - all.begin());
  if (nearest != own) found.push_back("it is nearest to: " + glyphs().names()[nearest]);
  return found;
}

/// The glyph as the font has it, on a named colour, at the size that the model draws.
Image rendered(const std::string& glyph, const std::string& background) {
  const SmallPicture small = glyphs().on(glyphs().index(glyph), glyphs().colour(background));
  Image image(4 * small.side, 4 * small.side);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const Colour colour = small.at(y / 4 * small.side + x / 4);
      for (size_t c = 0; c < 3; ++c) image.at(x, y)[c] = static_cast<uint8_t>(colour[c] + 0.5);
    }
  }
  return image;
}

TEST(SemanticCheck, AcceptsWhatTheFontShows) {
  EXPECT_GT(glyphs().names().size(), 20U);
  for (const Prompt& prompt : kPrompts) {
    EXPECT_EQ(complaints(prompt, rendered(prompt.glyph, prompt.background)), Words())
        << words(prompt);
  }
}

TEST(SemanticCheck, RejectsAnotherGlyphOrBackground) {
  for (const Prompt& prompt : kPrompts) {
    const std::string other = prompt.background == std::string("pink") ? "green" : "pink";
    EXPECT_EQ(complaints(prompt, rendered(prompt.glyph, other)),
              Words{"the background is " + other})
        << words(prompt);
    for (const std::string& name : glyphs().names()) {
      if (name == prompt.glyph) continue;
      EXPECT_FALSE(complaints(prompt, rendered(name, prompt.background)).empty())
          << words(prompt) << ", but drawn was: " << name;
    }
  }
}

/// The prompts, drawn in one run of the program.
class BuiltInModel : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    TempFolder folder;
    std::string lines;
    for (const Prompt& prompt : kPrompts) {
      lines += nlohmann::json({{"prompt", words(prompt)}, {"seed", prompt.seed}}).dump() + "\n";
    }
    const std::string file = folder.write("prompts.jsonl", lines).string();
    Words arguments = {"txt2img", "--from-file", file, "--outdir", (folder / "out").string()};
    arguments.insert(arguments.end(), std::begin(kFlags), std::end(kFlags));
    const Finished done = run(arguments);
    ASSERT_EQ(done.exit_code, 0) << done.err;
    for (const std::string& path : lines_of(done.out)) images_.push_back(read_image(path));
    ASSERT_EQ(images_.size(), std::size(kPrompts)) << done.out;
  }
  static void TearDownTestSuite() { images_.clear(); }

  static std::vector<Image> images_;  // in the order of kPrompts
};
std::vector<Image> BuiltInModel::images_;

TEST_F(BuiltInModel, DrawsWhatTheWordsSay) {
  for (size_t i = 0; i < images_.size(); ++i) {
    EXPECT_EQ(complaints(kPrompts[i], images_[i]), Words()) << words(kPrompts[i]);
  }
}

TEST_F(BuiltInModel, DrawsNoneOfThePicturesForOtherWords) {
  for (size_t i = 0; i < images_.size(); ++i) {
    for (size_t j = 0; j < images_.size(); ++j) {
      if (i != j) {
        EXPECT_FALSE(complaints(kPrompts[j], images_[i]).empty())
            << words(kPrompts[i]) << " passes for " << words(kPrompts[j]);
      }
    }
  }
}

/// The first prompts, drawn in 4 steps with the adapter that the model comes with.
TEST(DistilledAdapter, DrawsWhatTheWordsSayInFourSteps) {
  constexpr size_t kCount = 6;
  TempFolder folder;
  std::string lines;
  for (size_t i = 0; i < kCount; ++i) {
    lines += nlohmann::json({{"prompt", words(kPrompts[i])}, {"seed", kPrompts[i].seed}}).dump();
    lines += "\n";
  }
  const std::string file = folder.write("prompts.jsonl", lines).string();
  Words arguments = {"txt2img", "--from-file", file, "--outdir", (folder / "out").string()};
  arguments.insert(arguments.end(), std::begin(kFlags), std::end(kFlags));
  arguments.insert(arguments.end(), {"--lora", SD_SOURCE_DIR "/models/demo/lcm.safetensors",
                                     "--sampler", "lcm", "--ddim_steps", "4", "--scale", "1"});
  const Finished done = run(arguments);
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(done.err.find("--sampler"), std::string::npos)
      << done.err;  // no advice: it is followed
  const auto paths = lines_of(done.out);
  ASSERT_EQ(paths.size(), kCount);
  for (size_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(complaints(kPrompts[i], read_image(paths[i])), Words()) << words(kPrompts[i]);
  }
}

}  // namespace
}  // namespace sd::test
