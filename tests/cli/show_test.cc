// What pictures tell of themselves: their parameters, and their watermark.

#include "cli/picture_files.h"
#include "cli/small_model.h"
#include "image/png_metadata.h"
#include "image/watermark.h"
#include "support/pattern.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;

class Show : public SmallModel {
 protected:
  void write_texts(const std::string& name, const PngMetadata& metadata) const {
    ASSERT_EQ(write_png(out_ / name, Image(1, 1), metadata), WriteOutcome::kWritten);
  }
};

TEST_F(Show, SaysHowAPictureWasDrawn) {
  ASSERT_EQ(draw_here("txt2img", {"--prompt", "a cat,\non a mat", "--negative-prompt", "dogs",
                                  "--seed", "7", "--plms", "--scale", "3"})
                .exit_code,
            0);
  const Finished text = run_here({"show", "out/samples/00000.png"});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  const auto lines = lines_of(text.out);
  ASSERT_EQ(lines.size(), 5U) << text.out;
  EXPECT_EQ(lines[0], "out/samples/00000.png");
  EXPECT_EQ(lines[1], "  a cat,");
  EXPECT_EQ(lines[2], "  on a mat");
  EXPECT_EQ(lines[3], "  Negative prompt: dogs");
  EXPECT_EQ(lines[4].rfind("  Steps: 2, Sampler: PLMS, CFG scale: 3, Seed: 7, Size: 64x64, Model "
                           "hash: ",
                           0),
            0U)
      << lines[4];
  const Finished all = run_here({"show", "--json", "out/samples/00000.png"});
  ASSERT_EQ(all.exit_code, 0) << all.err;
  const json shown = json::parse(all.out);
  EXPECT_EQ(shown.at("file"), "out/samples/00000.png");
  const json& record = shown.at("texts").at("stable-diffusion");
  EXPECT_EQ(record.at("prompt"), "a cat,\non a mat");
  EXPECT_EQ(record.at("model").at("checkpoint"), "model/model.safetensors");
  EXPECT_EQ(record.at("model").at("sha256").get<std::string>().size(), 64U);
  EXPECT_EQ(record.at("model").at("weights"), "plain");
}

TEST_F(Show, SaysWhenThereIsNothingToSay) {
  write_png(out_ / "bare.png", Image(1, 1));
  const Finished bare = run_here({"show", "bare.png"});
  EXPECT_EQ(bare.exit_code, 0);
  EXPECT_EQ(bare.out, "bare.png\n  no parameters: the picture holds no text\n");
  EXPECT_EQ(json::parse(run_here({"show", "--json", "bare.png"}).out).at("texts"), json::object());
  expect_failure(run_here({"show", "--flags", "bare.png"}), 3,
                 "bare.png does not say how it was drawn");
  out_.write("bare.txt",
             "\xEF\xBB\xBF"
             "a cat\nSteps: 5, Sampler: Euler, CFG scale: 7, Seed: 3");
  const Finished beside = run_here({"show", "--flags", "bare.png"});
  EXPECT_EQ(beside.exit_code, 0) << beside.err;
  EXPECT_NE(beside.out.find("--prompt 'a cat' "), std::string::npos) << beside.out;
  out_.write("text.png", "no picture");
  for (const char* name : {"text.png", "no/such.png", "."}) {
    const Finished failed = run_here({"show", name});
    EXPECT_EQ(failed.exit_code, 3) << name;
    EXPECT_EQ(failed.out, "");
    EXPECT_EQ(count_lines(failed.err, "error: "), 1) << failed.err;
  }
}

TEST_F(Show, LetsNothingOfATextReachTheTerminal) {
  PngMetadata metadata;
  metadata.add("parameters", "a\x1b[31mb\r\nc\x07");
  metadata.add("Comment", "more");
  metadata.add("Comment", "twice");
  write_texts("x.png", metadata);
  const Finished text = run_here({"show", "x.png"});
  EXPECT_EQ(text.out,
            "x.png\n  a\\x1B[31mb\\x0D\n  c\\x07\n  Comment:\n  more\n  Comment:\n  twice\n");
  const json all = json::parse(run_here({"show", "--json", "x.png"}).out);
  EXPECT_EQ(all.at("texts").at("parameters"), "a\x1b[31mb\r\nc\x07");
  EXPECT_EQ(all.at("texts").at("Comment"), "more");
}

TEST_F(Show, SaysThatARecordIsBroken) {
  constexpr size_t kDepth = 1'000'000;
  for (const std::string& record :
       {std::string("{bad"), std::string("{\"a\": "), std::string("{}"), std::string(),
        std::string(kDepth, '[') + std::string(kDepth, ']')}) {
    PngMetadata metadata;
    metadata.add("stable-diffusion", record);
    std::filesystem::remove(out_ / "x.png");
    write_texts("x.png", metadata);
    const Finished done = run_here({"show", "--json", "x.png"});
    EXPECT_EQ(done.exit_code, 3) << done.err.substr(0, 300);
    const json text = json::parse(done.out).at("texts").at("stable-diffusion");
    EXPECT_TRUE(text == record || text == json::object());
    // What else there is to show is shown.
    const Finished both = run_here({"show", "x.png", "x.png"});
    EXPECT_EQ(both.exit_code, 3);
    EXPECT_EQ(both.out, "x.png\nx.png\n");
    EXPECT_EQ(count_lines(both.err, "error: x.png: its parameters cannot be read: "), 2);
  }
}

/// A JPEG with that EXIF UserComment, as the web UI writes it: UTF-16, the highest byte first.
std::string with_comment(const std::string& jpeg, const std::u16string& text) {
  const auto big = [](uint32_t number, int bytes) {
    std::string digits;
    while (bytes-- > 0) digits += static_cast<char>(number >> (8 * bytes) & 255);
    return digits;
  };
  std::string comment("UNICODE\0", 8);
  for (const char16_t unit : text) comment += big(unit, 2);
  const auto count = static_cast<uint32_t>(comment.size());
  std::string exif("Exif\0\0MM\0*", 10);
  exif += big(8, 4) + big(1, 2) + big(0x8769, 2) + big(4, 2) + big(1, 4) + big(26, 4) + big(0, 4);
  exif += big(1, 2) + big(0x9286, 2) + big(7, 2) + big(count, 4) + big(44, 4) + big(0, 4) + comment;
  return jpeg.substr(0, 2) + "\xFF\xE1" + big(static_cast<uint32_t>(exif.size() + 2), 2) + exif +
         jpeg.substr(2);
}

TEST_F(Show, ReadsTheExifTextOfAJpeg) {
  const std::string jpeg = jpeg_bytes(Image(16, 16));
  out_.write("webui.jpg", with_comment(jpeg, u"a café\nSteps: 20, Sampler: Euler a\u009b"));
  const Finished text = run_here({"show", "webui.jpg"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.out, "webui.jpg\n  a café\n  Steps: 20, Sampler: Euler a\\xC2\\x9B\n");
  const Finished all = run_here({"show", "--json", "webui.jpg"});
  EXPECT_EQ(json::parse(all.out).at("texts").at("parameters"),
            "a café\nSteps: 20, Sampler: Euler a\u009b");
  out_.write("bare.jpg", jpeg);
  EXPECT_EQ(run_here({"show", "bare.jpg"}).out,
            "bare.jpg\n  no parameters: the picture holds no text\n");
}

TEST_F(Show, AFileWithoutParametersHasNone) {
  ASSERT_EQ(draw({"--no-metadata"}).exit_code, 0);
  for (const std::string& name : files()) {
    EXPECT_TRUE(read_png_metadata(out_ / ("out/" + name)).texts.empty()) << name;
  }
  EXPECT_EQ(files().size(), 3U);
}

class WatermarkCommand : public SmallModel {
 protected:
  json read(const std::string& file, const Words& more = {}) const {
    Words words = {"watermark", file, "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const Finished done = run_here(words);
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return json::parse(done.out);
  }
};

TEST_F(WatermarkCommand, TellsMarkedPicturesFromOthers) {
  const Image plain = pattern("noise", 512, 512, 1);
  Image marked = plain;
  embed_watermark(marked, kReferenceWatermark);
  write_png(out_ / "plain.png", plain);
  write_png(out_ / "marked.png", marked);
  const json found = read("marked.png");
  const WatermarkMatch expected = watermark_match(marked, kReferenceWatermark);
  EXPECT_EQ(found.at("file"), "marked.png");
  EXPECT_EQ(found.at("bits"), 136);
  EXPECT_EQ(found.at("matching"), expected.matching);
  EXPECT_EQ(found.at("chance"), expected.chance);
  EXPECT_LT(found.at("chance").get<double>(), 1e-6);
  EXPECT_EQ(found.at("bytes").get<std::string>().size(), 34U);
  EXPECT_GT(read("plain.png").at("chance").get<double>(), 1e-3);
  // (Texts of ASCII letters have more bits in common than chance would give them.)
  EXPECT_GT(read("marked.png", {"--expect", "something other!!"}).at("chance").get<double>(), 1e-6);
  const Finished both = run_here({"watermark", "marked.png", "plain.png"});
  EXPECT_EQ(both.exit_code, 0) << both.err;
  ASSERT_EQ(lines_of(both.out).size(), 2U);
  EXPECT_EQ(both.out.rfind("marked.png: " + std::to_string(expected.matching) +
                               " of 136 bits agree (by chance: ",
                           0),
            0U)
      << both.out;
}

TEST_F(WatermarkCommand, RefusesWhatCannotCarryOne) {
  write_png(out_ / "small.png", pattern("noise", 255, 256, 1));
  write_png(out_ / "enough.png", pattern("noise", 256, 256, 1));
  out_.write("text.png", "no picture");
  for (const char* name : {"small.png", "text.png", "no/such.png"}) {
    const Finished failed = run_here({"watermark", name});
    EXPECT_EQ(failed.exit_code, 3) << name;
    EXPECT_EQ(failed.out, "");
    EXPECT_NE(failed.err.find(name), std::string::npos) << failed.err;
  }
  EXPECT_EQ(run_here({"watermark", "enough.png"}).exit_code, 0);
  EXPECT_EQ(run_here({"watermark", "enough.png", "--expect", ""}).exit_code, 2);
  EXPECT_EQ(run_here({"watermark"}).exit_code, 2);
}

TEST_F(WatermarkCommand, ReadsBackWhatARunWrote) {
  const Words large = {"--H", "256", "--W", "256", "--ddim_steps", "1"};
  for (const Words& more : {Words(), Words({"--watermark", "mine"}), Words({"--no-watermark"})}) {
    Words words = large;
    words.insert(words.end(), more.begin(), more.end());
    const Finished done = draw_here("txt2img", words);
    ASSERT_EQ(done.exit_code, 0) << done.err;
  }
  const std::string png = "out/samples/0000";
  EXPECT_LT(read(png + "0.png").at("chance").get<double>(), 1e-6);
  EXPECT_LT(read(png + "1.png", {"--expect", "mine"}).at("chance").get<double>(), 1e-6);
  EXPECT_GT(read(png + "1.png").at("chance").get<double>(), 1e-6);
  EXPECT_GT(read(png + "2.png").at("chance").get<double>(), 1e-6);
  write_png(out_ / "init.png", pattern("noise", 256, 256, 1));
  ASSERT_EQ(draw_here("img2img", {"--init-img", "init.png"}).exit_code, 0);
  EXPECT_LT(read(png + "3.png").at("chance").get<double>(), 1e-6);
}

}  // namespace
}  // namespace sd::test
