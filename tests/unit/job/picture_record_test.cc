// What a PNG of ours says of how it was drawn: every field there and back, and no trust in what
// stands there.

#include "job/picture_record.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "base/strings.h"
#include "job/a1111_text.h"
#include "job/settings.h"
#include "support/expect_error.h"

namespace sd::test {
using namespace image;
using namespace job;
using namespace models;

namespace {

using nlohmann::json;

/// A record whose every field differs from its default.
PictureRecord full_record() {
  PictureRecord record;
  record.version = "1.2.3";
  record.settings = Settings(Script::kImg2Img);
  record.settings.picture = {
      .prompt = "a \"cat\",\n日本語 😀\t\\", .negative_prompt = "dogs\nand birds", .scale = -2.5};
  record.settings.batch.width = 640;
  record.settings.batch.height = 448;
  record.settings.batch.sampler = "plms";
  record.settings.batch.steps = 37;
  record.settings.batch.knobs.eta = 0.1;
  record.settings.rng = RngKind::kCpu;
  record.settings.seed = UINT64_MAX;
  record.draw = {.seed = UINT64_MAX,
                 .batch = 4,
                 .row = 3,
                 .noise_rows = 5,
                 .offset = 123456789012,
                 .code_offset = 1,
                 .latent_offset = 2,
                 .variation_seed = {}};
  record.settings.seed_mode = SeedMode::kImage;
  record.settings.fixed_code = true;
  record.settings.batch.init = {.file = "photos/me.jpg",
                                .strength = 0.29,
                                .fit = FitSize{1024, 768},
                                .exif = true,
                                .image = nullptr};
  record.init_sha256 = std::string(64, 'a');
  record.settings.ckpt = "models/a.ckpt";
  record.settings.config = "a.yaml";
  record.settings.weights = WeightChoice::kEma;
  record.model_sha256 = "0123456789abcdef";
  record.built_in_model = true;
  record.settings.device.device = "cpu";
  record.settings.device.threads = 3;
  record.settings.device.kernels = KernelChoice::kAvx2;
  record.settings.device.precision = Precision::kBf16;
  record.settings.watermark = "mine";
  record.settings.safety = SafetyMode::kBlur;
  record.safety.action = SafetyAction::kBlurred;
  record.safety.failure = "none";
  record.safety.verdict =
      SafetyVerdict{.flagged = true, .adjustment = 0.01, .bad_concepts = {3, 16}};
  record.safety.verdict->concept_scores[16] = 0.125;
  record.safety.verdict->special_scores[2] = -0.5;
  return record;
}

PictureRecord there_and_back(const PictureRecord& record) {
  return parse_record(to_json(record).dump(), "x.png");
}

TEST(PictureRecord, ComesBackAsItWas) {
  const PictureRecord record = full_record();
  const PictureRecord back = there_and_back(record);
  EXPECT_EQ(back.version, "1.2.3");
  EXPECT_EQ(back.settings.script, Script::kImg2Img);
  EXPECT_EQ(back.settings.picture.prompt, record.settings.picture.prompt);
  EXPECT_EQ(back.settings.picture.negative_prompt, record.settings.picture.negative_prompt);
  EXPECT_EQ(back.settings.picture.scale, -2.5);
  EXPECT_EQ(back.settings.batch.width, 640);
  EXPECT_EQ(back.settings.batch.height, 448);
  EXPECT_EQ(back.settings.batch.sampler, "plms");
  EXPECT_EQ(back.settings.batch.steps, 37);
  EXPECT_EQ(back.settings.batch.knobs.eta, 0.1);
  EXPECT_EQ(back.settings.rng, RngKind::kCpu);
  EXPECT_EQ(back.draw.seed, UINT64_MAX);
  EXPECT_EQ(back.draw.batch, 4);
  EXPECT_EQ(back.draw.row, 3);
  EXPECT_EQ(back.draw.noise_rows, 5);
  EXPECT_EQ(back.draw.offset, 123456789012U);
  EXPECT_EQ(back.draw.code_offset, 1U);
  EXPECT_EQ(back.draw.latent_offset, 2U);
  EXPECT_EQ(back.settings.seed_mode, SeedMode::kImage);
  EXPECT_TRUE(back.settings.fixed_code);
  EXPECT_EQ(back.settings.watermark, "mine");
}

TEST(PictureRecord, BringsItsModelDeviceAndInitImageBack) {
  const PictureRecord back = there_and_back(full_record());
  EXPECT_EQ(back.settings.batch.init.file, "photos/me.jpg");
  EXPECT_EQ(back.init_sha256, std::string(64, 'a'));
  EXPECT_EQ(back.settings.batch.init.strength, 0.29);
  ASSERT_TRUE(back.settings.batch.init.fit.has_value());
  EXPECT_EQ(back.settings.batch.init.fit->width, 1024);
  EXPECT_EQ(back.settings.batch.init.fit->height, 768);
  EXPECT_TRUE(back.settings.batch.init.exif);
  EXPECT_EQ(back.settings.ckpt, "models/a.ckpt");
  EXPECT_EQ(back.settings.config, "a.yaml");
  EXPECT_EQ(back.model_sha256, "0123456789abcdef");
  EXPECT_EQ(back.settings.weights, WeightChoice::kEma);
  EXPECT_TRUE(back.built_in_model);
  EXPECT_EQ(back.settings.device.device, "cpu");
  EXPECT_EQ(back.settings.device.threads, 3);
  EXPECT_EQ(back.settings.device.kernels, KernelChoice::kAvx2);
  EXPECT_EQ(back.settings.device.precision, Precision::kBf16);
}

TEST(PictureRecord, BringsItsSafetyVerdictBack) {
  const PictureRecord back = there_and_back(full_record());
  EXPECT_EQ(back.settings.safety, SafetyMode::kBlur);
  EXPECT_EQ(back.safety.action, SafetyAction::kBlurred);
  EXPECT_EQ(back.safety.failure, "none");
  ASSERT_TRUE(back.safety.verdict.has_value());
  EXPECT_TRUE(back.safety.flagged());
  EXPECT_EQ(back.safety.verdict->adjustment, 0.01);
  EXPECT_EQ(back.safety.verdict->bad_concepts, std::vector<int>({3, 16}));
  EXPECT_EQ(back.safety.verdict->concept_scores[16], 0.125);
  EXPECT_EQ(back.safety.verdict->special_scores[2], -0.5);
}

TEST(PictureRecord, ComesBackWithWhatItDoesNotHave) {
  PictureRecord record = full_record();
  record.settings.script = Script::kTxt2Img;
  record.draw.code_offset.reset();
  record.draw.latent_offset.reset();
  record.settings.watermark.clear();
  record.safety = {};
  const PictureRecord back = there_and_back(record);
  EXPECT_FALSE(back.safety.verdict.has_value());
  EXPECT_FALSE(back.starts_from_picture());
  EXPECT_TRUE(to_json(record).at("init_image").is_null());
  EXPECT_FALSE(back.draw.code_offset.has_value());
  EXPECT_FALSE(back.draw.latent_offset.has_value());
  EXPECT_EQ(back.settings.watermark, "");
  record = full_record();
  record.settings.batch.init.fit.reset();
  EXPECT_FALSE(there_and_back(record).settings.batch.init.fit.has_value());
}

TEST(PictureRecord, OneWithoutAPrecisionIsOfTheCpusOnlyOne) {
  json value = to_json(full_record());
  value.at("device").erase("precision");
  EXPECT_EQ(parse_record(value.dump(), "x").settings.device.precision, Precision::kAutocast);
}

TEST(PictureRecord, HoldsEveryNumberAndWordExactly) {
  for (const double number : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 7.5}) {
    PictureRecord record = full_record();
    record.settings.picture.scale = number;
    record.settings.batch.knobs.eta = record.settings.batch.init.strength = number;
    const PictureRecord back = there_and_back(record);
    EXPECT_EQ(back.settings.picture.scale, number);
    EXPECT_EQ(back.settings.batch.knobs.eta, number);
    EXPECT_EQ(back.settings.batch.init.strength, number);
  }
  for (const KernelChoice kernels :
       {KernelChoice::kAuto, KernelChoice::kAten, KernelChoice::kAvx2, KernelChoice::kAvx512}) {
    PictureRecord record = full_record();
    record.settings.device.kernels = kernels;
    EXPECT_EQ(there_and_back(record).settings.device.kernels, kernels);
  }
  PictureRecord record = full_record();
  record.settings.picture.prompt = std::string("a\0b\x7f\n\"\\/", 9);
  EXPECT_EQ(there_and_back(record).settings.picture.prompt, record.settings.picture.prompt);
}

TEST(PictureRecord, IsTheSameInAPng) {
  const PngMetadata metadata = metadata_of(full_record());
  ASSERT_EQ(metadata.texts.size(), 2U);
  EXPECT_EQ(*metadata.find("parameters"), a1111_text(full_record()));
  ASSERT_NE(metadata.find(kRecordKeyword), nullptr);
  EXPECT_EQ(to_json(parse_record(*metadata.find(kRecordKeyword), "x")), to_json(full_record()));
  PictureRecord other = full_record();
  other.draw.row = 0;
  const PngMetadata grid = grid_metadata({full_record(), other});
  EXPECT_EQ(*grid.find("parameters"), a1111_text(full_record()));
  const json all = json::parse(*grid.find(kRecordKeyword));
  EXPECT_EQ(all.at("grid_of"), json::array({to_json(full_record()), to_json(other)}));
}

InfoText parse_own_text(const std::string& text) {
  return parse_infotext(text, {.with_empty_fields = true, .whole_json = false});
}

TEST(A1111Text, IsWhatOtherToolsRead) {
  PictureRecord record = full_record();
  record.settings.ckpt = "models/sd v1.ckpt";
  EXPECT_EQ(a1111_text(record),
            "a \"cat\",\n日本語 😀\t\\\n"
            "Negative prompt: dogs\nand birds\n"
            "Steps: 37, Sampler: PLMS, CFG scale: -2.5, Seed: 18446744073709551615, "
            "Size: 640x448, Model hash: 0123456789, Model: sd v1, Denoising strength: 0.29, "
            "RNG: CPU, Eta DDIM: 0.1, Version: sd 1.2.3");
  record.settings.picture.negative_prompt.clear();
  record.settings.script = Script::kTxt2Img;
  record.settings.batch.sampler = "dpm_solver";
  record.settings.batch.knobs.eta.reset();
  EXPECT_EQ(a1111_text(record),
            "a \"cat\",\n日本語 😀\t\\\n"
            "Steps: 37, Sampler: DPM++ 2M, CFG scale: -2.5, Seed: 18446744073709551615, "
            "Size: 640x448, Model hash: 0123456789, Model: sd v1, RNG: CPU, "
            "Version: sd 1.2.3");
  record.settings.batch.sampler = "ddim";
  EXPECT_NE(a1111_text(record).find("Sampler: DDIM,"), std::string::npos);
  record.model_sha256 = "abc";
  EXPECT_NE(a1111_text(record).find("Model hash: abc,"), std::string::npos);
}

/// The fields of a txt2img record, after the model's.
std::string fields_of(const Settings& settings) {
  PictureRecord record;
  record.settings = settings;
  record.settings.ckpt = "m.ckpt";
  record.version = "1";
  const std::string text = a1111_text(record);
  return text.substr(text.find("Model: m") + 8);
}

TEST(A1111Text, NamesWhatActsOnThePictureAsTheWebUiDoes) {
  Settings settings;
  settings.batch.knobs.eta = 1;
  settings.batch.noise.seed_delta = 31337;
  settings.picture.variation_seed = 5;
  for (const auto& [sampler, expected] : {std::pair{"euler_a", ", ENSD: 31337, Version: sd 1"},
                                          {"euler", ", Version: sd 1"},
                                          {"webui_ddim", ", Eta DDIM: 1, Version: sd 1"}}) {
    settings.batch.sampler = sampler;
    EXPECT_EQ(fields_of(settings), expected) << sampler;
  }
  settings.batch.sampler = "dpm_fast";
  settings.batch.knobs.eta = 0;
  settings.batch.knobs.s_min_uncond_all = true;
  settings.batch.noise = {.variation_strength = 0.25, .from_width = 512, .from_height = 768};
  settings.rng = RngKind::kNv;
  EXPECT_EQ(fields_of(settings),
            ", Variation seed: 5, Variation seed strength: 0.25, Seed resize from: 512x768, RNG: "
            "NV, Eta: 0, NGMS all steps: True, Version: sd 1");
}

TEST(A1111Text, NamesTheScheduleOfSamplersThatTheReferenceDoesNotHave) {
  PictureRecord record;
  record.settings.batch.sampler = "dpmpp_2m";
  EXPECT_NE(a1111_text(record).find("Sampler: DPM++ 2M, Schedule type: Automatic, CFG"),
            std::string::npos);
  record.settings.batch.schedule = "align_your_steps";
  EXPECT_NE(a1111_text(record).find("Schedule type: Align Your Steps, "), std::string::npos);
  record.settings.batch.sampler = "ddim";
  EXPECT_EQ(a1111_text(record).find("Schedule type"), std::string::npos);
}

TEST(A1111Text, ComesBackWithTheSettingsOfSamplersAndNoise) {
  PictureRecord record;
  Settings& settings = record.settings;
  settings.batch.sampler = "dpmpp_2m_sde";
  settings.batch.schedule = "karras";
  SamplerKnobs& knobs = settings.batch.knobs;
  knobs.eta = 0.5;
  knobs.s_noise = 0.9;
  knobs.sigma_min = 0.1;
  knobs.sigma_max = 10;
  knobs.rho = 5;
  knobs.discard_next_to_last = knobs.sgm_noise = true;
  knobs.s_min_uncond = 2;
  settings.batch.noise = {.variation_strength = 0.25, .from_width = 64, .from_height = 128};
  settings.picture.variation_seed = 9;
  settings.rng = RngKind::kNv;
  Settings back;
  apply_a1111_text(parse_own_text(a1111_text(record)), &back);
  EXPECT_EQ(back.batch.sampler, settings.batch.sampler);
  EXPECT_EQ(back.batch.schedule, "karras");
  EXPECT_EQ(back.batch.knobs, settings.batch.knobs);
  EXPECT_EQ(back.batch.noise, settings.batch.noise);
  EXPECT_EQ(back.picture.variation_seed, settings.picture.variation_seed);
  EXPECT_EQ(back.rng, RngKind::kNv);
}

TEST(A1111Text, ComesBackAsTheSettingsThatItTellsOf) {
  const PictureRecord record = full_record();
  Settings back(Script::kImg2Img);
  const auto unknown = apply_a1111_text(parse_own_text(a1111_text(record)), &back);
  EXPECT_EQ(unknown, (std::vector<std::string>{"Model hash", "Model", "Version"}));
  const Settings& settings = record.settings;
  EXPECT_EQ(back.picture.prompt, "a \"cat\",\n日本語 😀\t\\");
  EXPECT_EQ(back.picture.negative_prompt, settings.picture.negative_prompt);
  EXPECT_EQ(back.picture.scale, settings.picture.scale);
  EXPECT_EQ(back.seed, settings.seed);
  EXPECT_EQ(back.batch.width, 640);
  EXPECT_EQ(back.batch.height, 448);
  EXPECT_EQ(back.batch.sampler, "plms");
  EXPECT_EQ(back.batch.steps, 37);
  EXPECT_EQ(back.batch.knobs.eta, 0.1);
  EXPECT_EQ(back.batch.init.strength, 0.29);
}

/// Random settings that the web UI has, with texts that are hard to keep apart.
class RandomRecord {
 public:
  explicit RandomRecord(uint32_t seed) : random_(seed) {}

  PictureRecord make() {
    PictureRecord record;
    Settings& settings = record.settings;
    record.version = "1.2.3";
    record.model_sha256 = std::string(64, 'a');
    settings.ckpt = "models/" + name() + ".ckpt";
    settings.picture = {.prompt = flip() ? text() : "", .negative_prompt = flip() ? text() : ""};
    settings.picture.scale = number() - 4;
    settings.seed = random_();
    settings.batch.steps = 1 + pick(150);
    settings.batch.width = static_cast<int>(8 + 8 * pick(200));
    settings.batch.height = static_cast<int>(8 + 8 * pick(200));
    const char* const kSamplers[] = {"euler", "euler_a", "dpmpp_2m", "webui_ddim", "heun", "plms"};
    settings.batch.sampler = kSamplers[pick(6)];
    const char* const kSchedules[] = {"automatic", "karras", "exponential", "align_your_steps"};
    if (settings.batch.sampler != "plms") settings.batch.schedule = kSchedules[pick(4)];
    settings.rng = flip() ? RngKind::kCuda : flip() ? RngKind::kCpu : RngKind::kNv;
    set_prompts(&settings.batch.prompts);
    if (flip()) settings.batch.noise.variation_strength = 0.5;
    if (settings.batch.noise.variation_strength != 0) settings.picture.variation_seed = random_();
    if (flip() && settings.batch.sampler != "plms") set_hires(&settings);
    for (int i = 0; i < pick(3); ++i) record.embeddings.push_back({name(), std::string(64, 'b')});
    return record;
  }

 private:
  int64_t pick(int64_t count) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(count));
  }
  bool flip() { return pick(2) == 1; }
  double number() { return static_cast<double>(pick(1'000'000)) / 97'531; }

  /// Without white space at the ends of lines, which the web UI does not keep.
  std::string text() {
    const char* const kPieces[] = {
        "a",   "cat, dog", ":",   "\"",     "\\",    "Steps: 20",  "(b:1.2)",
        ", x", "日本語",   "\na", "x\n\ny", "[c|d]", "{\"e\": 1}", "Seed: 5, Size: 1x1",
        "'",   "<3"};
    std::string text = "p";
    for (int64_t i = pick(6); i > 0; --i) text += kPieces[pick(16)];
    return text + "q";
  }
  std::string name() {
    const char* const kNames[] = {"m",    "\"quoted\"",   "\"open",  "end\"", "a, b",
                                  "a: b", "\"a\", \"b\"", " space ", "é\\n",  "x\ny"};
    return kNames[pick(10)];
  }
  void set_prompts(PromptSettings* prompts) {
    prompts->syntax = flip() ? PromptSyntax::kWebUi : PromptSyntax::kPlain;
    prompts->clip_skip = 1 + pick(3);
    prompts->unequal = static_cast<UnequalLengths>(pick(3));
    if (prompts->syntax == PromptSyntax::kPlain) return;
    prompts->emphasis = static_cast<Emphasis>(pick(4));
    prompts->old_editing = flip();
  }
  void set_hires(Settings* settings) {
    HiresSettings& hires = settings->batch.hires;
    if (flip()) {
      hires.scale = 1 + number() / 4;
    } else {
      hires.width = 8 * pick(300);
      hires.height = 8 + 8 * pick(300);
    }
    hires.steps = pick(30);
    hires.strength = static_cast<double>(pick(100)) / 100;
    hires.upscaler = static_cast<HiresUpscaler>(pick(9));
    if (flip()) hires.sampler = "dpmpp_2m";
    if (flip()) hires.schedule = "karras";
    if (flip()) settings->picture.hires_prompt = text();
    if (flip()) settings->picture.hires_negative_prompt = name();
  }

  std::mt19937 random_;
};

/// The settings that the text tells of, as texts by their keys.
std::map<std::string, std::string> told(const Settings& settings) {
  std::map<std::string, std::string> told;
  const std::vector<std::string> values = text_values(settings);
  for (const char* key : {"prompt",
                          "negative_prompt",
                          "scale",
                          "seed",
                          "steps",
                          "drawn_width",
                          "drawn_height",
                          "sampler",
                          "schedule",
                          "rng",
                          "clip_skip",
                          "unequal_prompts",
                          "emphasis",
                          "old_editing",
                          "variation_strength",
                          "variation_seed",
                          "hires_scale",
                          "hires_width",
                          "hires_height",
                          "hires_steps",
                          "hires_strength",
                          "hires_upscaler",
                          "hires_sampler",
                          "hires_schedule",
                          "hires_prompt",
                          "hires_negative_prompt"}) {
    told[key] = values[find_setting(key)->place];
  }
  return told;
}

TEST(A1111Text, ComesBackWhateverItHolds) {
  RandomRecord random(20261130);
  for (int i = 0; i < 400; ++i) {
    const PictureRecord record = random.make();
    const std::string text = a1111_text(record);
    const InfoText parsed = parse_infotext(text);
    Settings back;
    apply_a1111_text(parsed, &back);
    EXPECT_EQ(told(back), told(record.settings)) << text;
    ASSERT_NE(parsed.find("Model"), nullptr) << text;
    EXPECT_EQ("models/" + *parsed.find("Model") + ".ckpt", record.settings.ckpt) << text;
    EXPECT_EQ(*parsed.find("Version"), "sd 1.2.3") << text;
    EXPECT_EQ(parsed.find("TI hashes") != nullptr, !record.embeddings.empty()) << text;
  }
}

TEST(A1111Text, IsTakenApartAsTheWebUiDoes) {
  const InfoText text = parse_own_text(
      "a cat\nNegative prompt: a dog\na hat\nSteps: 20, With comma: \"a, b: \\\"c\\\"\", Empty: , "
      "Seed: 5");
  EXPECT_EQ(text.prompt, "a cat");
  EXPECT_EQ(text.negative_prompt, "a dog\na hat");
  const std::vector<std::pair<std::string, std::string>> fields = {
      {"Steps", "20"}, {"With comma", "a, b: \"c\""}, {"Empty", ""}, {"Seed", "5"}};
  EXPECT_EQ(text.fields, fields);
  EXPECT_EQ(parse_own_text("a cat\nSteps: 20, Seed: 5").prompt, "a cat\nSteps: 20, Seed: 5");
  EXPECT_TRUE(parse_own_text("").fields.empty());
  Settings settings;
  expect_error(ErrorKind::kUsage, "Steps: expected a whole number, found 'many'", [&] {
    apply_a1111_text(parse_own_text("a\nSteps: many, Seed: 5, Size: 64x64"), &settings);
  });
}

TEST(RecordedPath, ShowsOfAnAbsolutePathTheNameOnly) {
  EXPECT_EQ(recorded_path("models/a.ckpt"), "models/a.ckpt");
  EXPECT_EQ(recorded_path("../a b.png"), "../a b.png");
  EXPECT_EQ(recorded_path("/folder/of/mine/a.ckpt"), "a.ckpt");
  EXPECT_EQ(recorded_path("//a.ckpt"), "a.ckpt");
  EXPECT_EQ(recorded_path("/folder/日本語.png"), "日本語.png");
  EXPECT_EQ(recorded_path(""), "");
}

TEST(RecordedPath, IsAlwaysUtf8) {
  for (const std::string path : {"caf\xe9.png", "/folder/\xff\xfe.png",
                                 "a\x01"
                                 "b\n.png"}) {
    const std::string shown = recorded_path(path);
    EXPECT_TRUE(is_valid_utf8(shown));
    EXPECT_NE(shown.find(".png"), std::string::npos) << shown;
    EXPECT_NE(shown.find("\\x"), std::string::npos) << shown;
    PictureRecord record = full_record();
    record.settings.ckpt = record.settings.batch.init.file = shown;
    EXPECT_EQ(there_and_back(record).settings.batch.init.file, shown);
    EXPECT_FALSE(metadata_of(record).texts.empty());
  }
}

/// Must be an error about that file, and nothing else.
void expect_unreadable(const std::string& text) {
  SCOPED_TRACE(text.substr(0, 400));
  expect_error(ErrorKind::kFile, "x.png: its parameters cannot be read",
               [&] { parse_record(text, "x.png"); });
}

TEST(HostileRecord, IsNoJson) {
  for (const std::string& text :
       {std::string(), std::string("a cat"), std::string("{"), std::string("null"),
        std::string("[]"), std::string("\"text\""), std::string("5"), std::string("{}"),
        std::string("\0", 1), std::string("{\"version\": \"\xff\"}")}) {
    expect_unreadable(text);
  }
  std::string cut = to_json(full_record()).dump();
  while (!cut.empty()) {
    cut.pop_back();
    expect_unreadable(cut);
  }
}

TEST(HostileRecord, NestsDeeply) {
  constexpr size_t kDepth = 1'000'000;
  expect_unreadable(std::string(kDepth, '['));
  expect_unreadable(std::string(kDepth, '[') + std::string(kDepth, ']'));
  std::string deep = to_json(full_record()).dump();
  deep.pop_back();
  expect_unreadable(deep + ", \"more\": " + std::string(kDepth, '[') + std::string(kDepth, ']') +
                    "}");
  json record = to_json(full_record());
  record.erase("prompt");
  deep = record.dump();
  deep.pop_back();
  expect_unreadable(deep + ", \"prompt\": " + std::string(kDepth, '[') + std::string(kDepth, ']') +
                    "}");
}

/// Calls `change` with the record's JSON once for every place in it.
void for_each_place(
    const std::function<void(json record, const json::json_pointer& place)>& change) {
  const json record = to_json(full_record());
  const json flat = record.flatten();
  for (const auto& [path, value] : flat.items()) {
    for (json::json_pointer place(path); !place.empty(); place = place.parent_pointer()) {
      change(record, place);
    }
  }
}

TEST(HostileRecord, LacksAMember) {
  std::set<std::string> dispensable = {"/program", "/safety/flagged", "/safety/bad_concepts/0",
                                       "/safety/bad_concepts/1"};
  for (const Setting& setting : all_settings()) {  // newer than the first pictures
    if (!setting.about.required) dispensable.insert(setting.about.record);
  }
  int places = 0;
  for_each_place([&](json record, const json::json_pointer& place) {
    if (dispensable.count(place.to_string()) != 0) return;
    ++places;
    json& parent = record.at(place.parent_pointer());
    if (parent.is_array()) {
      parent.erase(static_cast<size_t>(std::stoi(place.back())));
    } else {
      parent.erase(place.back());
    }
    expect_unreadable(record.dump());
  });
  EXPECT_GT(places, 60);
}

TEST(HostileRecord, HasValuesOfOtherKinds) {
  const json strange[] = {nullptr,        true,        -1, 1.5,  1e300, -1e300,
                          UINT64_MAX,     INT64_MIN,   "", "\n", "a.b", json::array(),
                          json::object(), {1, 2, 3, 4}};
  int read = 0, refused = 0;
  for_each_place([&](const json& record, const json::json_pointer& place) {
    for (const json& value : strange) {
      json changed = record;
      changed.at(place) = value;
      SCOPED_TRACE(place.to_string() + " " + value.dump());
      try {
        const PictureRecord odd = parse_record(changed.dump(), "x.png");
        EXPECT_EQ(to_json(parse_record(to_json(odd).dump(), "x.png")), to_json(odd));
        EXPECT_EQ(metadata_of(odd).texts.size(), 2U);
        ++read;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kFile) << error.what();
        ++refused;
      }
    }
  });
  EXPECT_GT(read, 0);
  EXPECT_GT(refused, read);
}

TEST(HostileRecord, HasNumbersThatAreNoneOfItsOwn) {
  struct Case {
    const char* place;
    std::vector<json> values;
  };
  const json no_whole = 64.5, huge = 1e300;
  const std::vector<Case> cases = {
      {"/width", {-64, 0, no_whole, huge, int64_t{1} << 32, UINT64_MAX, INT64_MIN}},
      {"/height", {-64, 0, no_whole, huge, (int64_t{1} << 32) + 64}},
      {"/steps", {no_whole, huge, -huge.get<double>(), UINT64_MAX}},
      {"/seed", {-1, no_whole, huge, "7"}},
      {"/draw/offset", {-1, no_whole, huge}},
      {"/draw/code_offset", {-1, no_whole, huge, true}},
      {"/draw/latent_offset", {-1, no_whole, huge, "1"}},
      {"/draw/batch", {no_whole, huge, UINT64_MAX}},
      {"/draw/row", {no_whole, huge, UINT64_MAX}},
      {"/draw/noise_rows", {no_whole, huge, UINT64_MAX}},
      {"/device/threads", {no_whole, huge, int64_t{1} << 32}},
      {"/init_image/fit/0", {-1, 0, no_whole, huge, int64_t{1} << 32}},
      {"/init_image/fit/1", {-1, 0, no_whole, huge, (int64_t{1} << 32) + 1}},
      {"/init_image/exif", {1, "true"}},
      {"/init_image/strength", {"0.5"}},
      {"/fixed_code", {0, "no"}},
      {"/scale", {"7.5", nullptr, true}},
      {"/eta", {"0", false}},
      {"/rng", {"gpu", "", 1}},
      {"/command", {"draw", "TXT2IMG"}},
      {"/seed_mode", {"other", ""}},
      {"/model/weights", {"other", ""}},
      {"/device/kernels", {"sse", ""}},
      {"/device/precision", {"half", "", 1}},
  };
  for (const Case& c : cases) {
    for (const json& value : c.values) {
      json changed = to_json(full_record());
      changed.at(json::json_pointer(c.place)) = value;
      expect_unreadable(changed.dump());
    }
  }
  std::string text = to_json(full_record()).dump();
  text.replace(text.find("\"width\":640"), 11, "\"width\":1e999");
  expect_unreadable(text);
}

}  // namespace
}  // namespace sd::test
