// Settings out of web UI texts with odd values: each is named, and spoils no other.

#include <gtest/gtest.h>

#include <algorithm>

#include "job/command_line.h"
#include "job/foreign/foreign_record.h"
#include "job/foreign/foreign_settings.h"
#include "job/foreign/infotext_record.h"
#include "job/infotext_fields.h"

namespace sd::test {
using namespace job;

namespace {

using Reasons = std::vector<std::string>;

/// Of a text with these fields behind the usual ones.
WebUiSettings settings_with(const std::string& more, const std::string& prompt = "a cat") {
  return settings_of_infotext(
      parse_infotext(prompt + "\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64" +
                         (more.empty() ? "" : ", " + more) + ", Version: v1.10.1",
                     kForSettings));
}

bool mentions(const Reasons& reasons, const std::string& part) {
  return std::any_of(reasons.begin(), reasons.end(), [&](const std::string& reason) {
    return reason.find(part) != std::string::npos;
  });
}

TEST(InfotextSettings, OfUsualTextsHaveNoReason) {
  for (const char* more :
       {"", "Clip skip: 2", "Variation seed: 3, Variation seed strength: 0.5",
        "Denoising strength: 0.5",
        "Denoising strength: 0.7, Hires upscale: 2, Hires upscaler: Latent",
        "Denoising strength: 0.7, Hires upscale: 2, Hires prompt: \"b, <lora:x:1>\""}) {
    EXPECT_EQ(settings_with(more).unsupported, Reasons()) << more;
  }
}

TEST(InfotextSettings, ABadValueIsNamedAndSpoilsNoOther) {
  const std::pair<const char*, Reasons> kCases[] = {
      {"CFG scale: nan", {"CFG scale: nan"}},
      {"CFG scale: inf", {"CFG scale: inf"}},
      {"Size: 0x0", {"Size-1: 0", "Size-2: 0"}},
      {"Size: 100000x64", {"Size-1: 100000"}},
      {"Clip skip: 0", {"Clip skip: 0"}},
      {"Eta: nan", {"Eta: nan"}},
      {"Schedule rho: inf", {"Schedule rho: inf"}},
      {"Steps: 0", {"Steps: 0"}},
      {"Steps: -5", {"Steps: -5"}},
      {"Denoising strength: 7", {"Denoising strength: 7"}},
      {"Denoising strength: nan, Hires upscale: 2", {"Denoising strength: nan"}},
      {"Seed: -1", {"Seed: -1 stands for a random one"}},
      {"Variation seed: -1, Variation seed strength: 0.5",
       {"Variation seed: -1 stands for a random one"}}};
  for (const auto& [more, reasons] : kCases) {
    WebUiSettings of = settings_with(more);
    std::sort(of.unsupported.begin(), of.unsupported.end());
    EXPECT_EQ(of.unsupported, reasons) << more;
    EXPECT_EQ(of.settings.picture.scale, 7) << more;
    EXPECT_EQ(of.settings.batch.steps, 20) << more;
    const std::string line = command_line(of.settings);
    for (const char* word : {"nan", "inf", "=-", " 18446744073709551615"}) {
      EXPECT_EQ(line.find(word), std::string::npos) << line;
    }
  }
}

TEST(InfotextSettings, ASecondPassWithoutASizeIsNone) {
  for (const char* more : {"Denoising strength: 0.7, Hires upscale: 0",
                           "Denoising strength: 0.7, Hires upscale: nan, Hires prompt: b"}) {
    const WebUiSettings of = settings_with(more);
    EXPECT_TRUE(mentions(of.unsupported, "a second pass without a size")) << more;
    EXPECT_EQ(of.settings.batch.hires, HiresSettings()) << more;
    EXPECT_EQ(command_line(of.settings).find("hires"), std::string::npos) << more;
  }
}

TEST(InfotextSettings, SidesAreAsTheWebUiDrawsThem) {
  const HiresSettings both =
      settings_with("Denoising strength: 0.5, Hires upscale: 2, Hires resize: 128x0")
          .settings.batch.hires;
  EXPECT_EQ(both.scale, 0);
  EXPECT_EQ(both.width, 128);
  const WebUiSettings odd = settings_with("Size: 71x64");
  EXPECT_EQ(odd.settings.batch.width, 64);
  EXPECT_EQ(odd.unsupported, Reasons());
  EXPECT_TRUE(mentions(
      settings_with("Size: 71x64, Denoising strength: 0.5, Hires upscale: 1.5").unsupported,
      "71x64"));
}

TEST(InfotextSettings, WhatThePromptsAskForInVainIsNamed) {
  EXPECT_TRUE(mentions(settings_with("", "a <hypernet:x:1>").unsupported, "hypernetworks"));
  EXPECT_EQ(settings_with("", "a <foo:x:1>").unsupported, Reasons());  // nor has it the web UI
  EXPECT_TRUE(mentions(settings_with("", "a <lora:x:y>").unsupported, "is no number"));
  EXPECT_TRUE(mentions(settings_with("", "(a:1.2.3)").unsupported, "1.2.3"));
  EXPECT_TRUE(mentions(settings_with("Hires upscale: 2, Denoising strength: 0.5, Hires schedule "
                                     "type: Foo")
                           .unsupported,
                       "Hires schedule type: Foo"));
}

TEST(InfotextSettings, WhatExtensionsAndCivitaiAppendIsNoReason) {
  for (const char* more :
       {R"(Hashes: {"model": "0123456789", "lora:y": "0123456789", "embed:z": "ab"})",
        R"(Civitai resources: [{"type":"lora","weight":1,"air":"urn:air:sd1:lora:civitai:5@6"}])",
        R"(Wildcard prompt: "__a__, b", Wildcard negative prompt: __c__, Score: 5.2)",
        R"(Resources: [], Hashed prompt: "a, b", Created Date: 2024-05-05T12:34:56.7Z)",
        R"(Civitai metadata: {"remixOfId": 5, "a": {"b, c": 1}})"}) {
    EXPECT_EQ(settings_with(more).unsupported, Reasons()) << more;
  }
  // On Civitai's own pictures the list alone tells of the adapters.
  const Reasons of =
      settings_of_infotext(parse_infotext("a\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, "
                                          "Size: 64x64, Civitai resources: [{\"modelVersionId\":1,"
                                          "\"modelName\":\"Details: x\"}], Civitai metadata: {}",
                                          kForSettings))
          .unsupported;
  ASSERT_EQ(of.size(), 1U);
  EXPECT_EQ(of.front().rfind("Civitai resources: [{", 0), 0U) << of.front();
}

TEST(InfotextSettings, AnEtaIsTheSamplersWhereNoVersionIsStated) {
  const auto eta = [](const std::string& fields) {
    const WebUiSettings of = settings_of_infotext(
        parse_infotext("a\nSteps: 20, CFG scale: 7, Seed: 5, Size: 64x64, " + fields));
    EXPECT_EQ(of.unsupported, Reasons()) << fields;
    return of.settings.batch.knobs.eta.value_or(-1);
  };
  EXPECT_EQ(eta("Sampler: DDIM, Eta: 0.25"), 0.25);
  EXPECT_EQ(eta("Sampler: Euler a, Eta: 0.25"), 0.25);
  EXPECT_EQ(eta("Sampler: DDIM, Eta: 0.25, Version: v1.10.1"), -1);
  EXPECT_EQ(eta("Sampler: DDIM, Eta: 0.25, Eta DDIM: 0.5"), 0.5);
  EXPECT_EQ(eta("Sampler: PLMS, Eta: 0.25"), -1);  // takes none
}

TEST(InfotextSettings, SamplersOfOtherProgramsAreNamedWhateverTheyBeginWith) {
  const auto reasons = [](const std::string& sampler) {
    return settings_of_infotext(
               parse_infotext("a\nSteps: 20, CFG scale: 7, Seed: 5, Size: 64x64, Sampler: " +
                              sampler))
        .unsupported;
  };
  for (const char* known :
       {"DPM++ 2M", "DPM++ 2M Karras", "DPM++ 2M SGMUniform", "Euler Automatic"}) {
    EXPECT_EQ(reasons(known), Reasons()) << known;
  }
  // The web UI takes these for its first sampler, DPM++ 2M.
  for (const std::string& other : {std::string("DPM++ 2M Turbo"), std::string("DPM++ 2M CFG++"),
                                   std::string("DPM++ 2M SDE Heun SGM Uniform")}) {
    EXPECT_TRUE(mentions(reasons(other), "Sampler: " + other));
    EXPECT_TRUE(
        mentions(settings_with("Denoising strength: 0.5, Hires upscale: 2, Hires sampler: " + other)
                     .unsupported,
                 "Hires sampler: " + other));
  }
}

TEST(InfotextSettings, AFirstPassOfEarlyVersionsIsNoStartPicture) {
  for (const char* first : {"0x0", "64x128"}) {
    image::PngMetadata texts;
    texts.add("parameters", std::string("a\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, "
                                        "Size: 512x1024, Denoising strength: 0.7, First pass "
                                        "size: ") +
                                first);
    const ForeignRecord record = read_foreign_record(texts);
    EXPECT_EQ(record.cannot, Reasons()) << first;
    EXPECT_EQ(record.strength, std::nullopt);
    EXPECT_EQ(record.hires.value("width", 0), 512);
    EXPECT_EQ(record.hires.value("height", 0), 1024);
    EXPECT_EQ(record.hires.value("strength", 0.0), 0.7);
    std::vector<std::string> cannot;
    const Settings settings = settings_of(record, &cannot);
    EXPECT_EQ(settings.batch.width, record.width);
    EXPECT_EQ(settings.batch.height, record.height);
  }
}

TEST(InfotextSettings, ASecondPassOfForgeMayHaveTheSameScale) {
  const auto reasons = [](const std::string& scale) {
    image::PngMetadata texts;
    texts.add("parameters",
              "a\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64, Denoising "
              "strength: 0.7, Hires upscale: 2, Hires CFG Scale: " +
                  scale + ", Version: f2.0.1v1.10.1");
    return read_foreign_record(texts).cannot;
  };
  EXPECT_FALSE(mentions(reasons("7.0"), "scale of its own"));
  EXPECT_TRUE(mentions(reasons("6"), "scale of its own"));
}

TEST(InfotextSettings, AnAdapterOfThePromptIsTakenOnce) {
  for (const char* use : {"<lora:x>", "<lora:x:1>", "<lora:x:te=1>"}) {
    const InfoText text = parse_infotext(std::string("a ") + use +
                                         "\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, "
                                         "Size: 64x64");
    ForeignRecord record = record_of_infotext(text);
    record.infotext = text;
    std::vector<std::string> cannot;
    EXPECT_TRUE(settings_of(record, &cannot).batch.loras.empty()) << use;
  }
}

}  // namespace
}  // namespace sd::test
