// The web UI's texts: what its own reader made of them, and its own writer wrote.

#include "job/infotext.h"

#include <gtest/gtest.h>

#include "job/webui_pasting.h"
#include "support/webui.h"

namespace sd::test {
using namespace job;

namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using Fields = std::vector<std::pair<std::string, std::string>>;

std::vector<json> lines_of(const std::string& path) {
  std::ifstream file(webui_dir() / path);
  std::vector<json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST(InfoText, IsReadAsTheWebUiReadsIt) {
  SD_NEEDS_WEBUI();
  const auto lines = lines_of("infotext/parse.jsonl");
  EXPECT_EQ(lines.size(), 51U);
  for (const json& line : lines) {
    const std::string text = line.at("text");
    const ordered_json fields = pasted_fields(parse_infotext(text));
    EXPECT_EQ(json(fields), line.at("fields")) << text;
    EXPECT_EQ(json(pasted_overrides(fields)), line.at("overrides")) << text;
    const json& names = line.at("sampler_and_scheduler");
    const WebUiSampler found =
        webui_sampler(fields.value("Sampler", ""), fields.value("Schedule type", ""), true);
    EXPECT_EQ(found.sampler, names.at(0)) << text;
    EXPECT_EQ(found.schedule, names.at(1)) << text;
  }
}

TEST(InfoText, JsonWithoutQuotesIsOneValueIfAskedFor) {
  const auto fields = [](const std::string& line) {
    return parse_infotext("a\n" + line, kForSettings).fields;
  };
  // The web UI's own reading.
  EXPECT_EQ(
      parse_infotext("a\nSteps: 5, Hashes: {\"model\": \"a\", \"lora:y\": \"b\"}, Seed: 7").fields,
      Fields({{"Steps", "5"},
              {"Hashes", "{\"model\": \"a\""},
              {"lora", "y\": \"b\"}"},
              {"Seed", "7"}}));
  EXPECT_EQ(
      fields(R"(Steps: 5, Hashes: {"model": "a", "lora:y": "b"}, Seed: 7)"),
      Fields({{"Steps", "5"}, {"Hashes", R"({"model": "a", "lora:y": "b"})"}, {"Seed", "7"}}));
  EXPECT_EQ(fields(R"(Steps: 5, Ab: [{"a":"x]},\"","b":[1,2]}], Seed: 7)"),
            Fields({{"Steps", "5"}, {"Ab", R"([{"a":"x]},\"","b":[1,2]}])"}, {"Seed", "7"}}));
  // What is no JSON, or goes on behind it, ends at its first comma.
  for (const char* value : {"[a", "{\"a\": 1", "{\"a\": 1} b", "[1} x", "{"}) {
    EXPECT_EQ(fields(std::string("Steps: 5, Ab: ") + value + ", Seed: 7"),
              Fields({{"Steps", "5"}, {"Ab", value}, {"Seed", "7"}}));
  }
  std::string many = "Steps: 5, Seed: 7";
  for (int i = 0; i < 100'000; ++i) many += ", ab: {";
  EXPECT_EQ(fields(many).size(), 100'002U);
}

TEST(InfoText, SamplersAndSchedulesHaveTheWebUisNames) {
  SD_NEEDS_WEBUI();
  for (const json& names : webui_json("infotext/sampler_names.json")) {
    const auto text = [&](size_t i) {
      return names.at(i).is_null() ? std::string() : names.at(i).get<std::string>();
    };
    const WebUiSampler pasted = webui_sampler(text(0), text(1), true);
    const WebUiSampler run = webui_sampler(text(0), text(1), false);
    EXPECT_EQ(pasted.sampler, text(2)) << names;
    EXPECT_EQ(pasted.schedule, text(3)) << names;
    EXPECT_EQ(run.sampler, text(4)) << names;
    EXPECT_EQ(run.schedule, text(5)) << names;
  }
}

/// Python's str() of a value.
std::string python_text(const json& value) {
  if (value.is_string()) return value;
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value == 1e-07) return "1e-07";
  return value.dump();
}

/// The fields that the web UI wrote, out of what it was asked for.
Fields fields_of(const json& line) {
  const json& asked = line.at("fields");
  const json& settings = line.at("settings");
  Fields fields;
  const auto add = [&](const char* name, const json& value) {
    if (!value.is_null()) fields.emplace_back(name, python_text(value));
  };
  const auto size = [&](const char* width, const char* height) {
    return json(std::to_string(asked.at(width).get<int>()) + "x" +
                std::to_string(asked.at(height).get<int>()));
  };
  json extra = line.at("extra");
  add("Steps", asked.at("steps"));
  add("Sampler", asked.at("sampler_name"));
  add("Schedule type", extra.value("Schedule type", asked.at("scheduler")));
  extra.erase("Schedule type");
  add("CFG scale", asked.at("cfg_scale"));
  add("Seed", asked.at("seed"));
  if (asked.value("restore_faces", false)) add("Face restoration", "CodeFormer");
  add("Size", size("width", "height"));
  if (settings.value("add_model_hash_to_info", true)) add("Model hash", "0123456789");
  if (settings.value("add_model_name_to_info", true)) add("Model", "sd-tiny");
  if (asked.contains("subseed_strength")) {
    add("Variation seed", asked.at("subseed"));
    add("Variation seed strength", asked.at("subseed_strength"));
  }
  if (asked.contains("seed_resize_from_w")) {
    add("Seed resize from", size("seed_resize_from_w", "seed_resize_from_h"));
  }
  add("Clip skip", settings.value("CLIP_stop_at_last_layers", json()));
  if (asked.at("sampler_name") == "Euler a" && asked.value("eta", 1.0) != 0) {
    add("ENSD", settings.value("eta_noise_seed_delta", json()));
  }
  add("Token merging ratio", settings.value("token_merging_ratio", json()));
  add("RNG", settings.value("randn_source", json()));
  if (asked.value("tiling", false)) add("Tiling", "True");
  const ordered_json ordered = ordered_json::parse(line.at("extra_text").get<std::string>());
  for (const auto& [name, value] : ordered.items()) {
    if (name == "Schedule type") continue;
    add(name.c_str(), value.is_array() ? json(value.at(0)) : json(value));
  }
  if (settings.value("add_version_to_infotext", true)) add("Version", "v1.10.1");
  return fields;
}

TEST(InfoText, IsWrittenAsTheWebUiWritesIt) {
  SD_NEEDS_WEBUI();
  std::ifstream file(webui_dir() / "infotext/create.jsonl");
  int count = 0;
  for (std::string text; std::getline(file, text); ++count) {
    json line = json::parse(text);
    line["extra_text"] = ordered_json::parse(text).at("extra").dump();  // in its order
    const json& asked = line.at("fields");
    const InfoText written = {.prompt = asked.at("prompt"),
                              .negative_prompt = asked.value("negative_prompt", ""),
                              .fields = fields_of(line)};
    EXPECT_EQ(write_infotext(written), line.at("infotext"));
  }
  EXPECT_EQ(count, 21);
}

TEST(InfoText, HoldsWhatItIsGiven) {
  const InfoText text = {.prompt = "a [b:c:0.5] \"d\",\n日本語",
                         .negative_prompt = "e: f, g\nh",
                         .fields = {{"Steps", "20"},
                                    {"Odd one", "a, b: \"c\"\nd\\"},
                                    {"Sampler", "Euler a"},
                                    {"Über-Feld", "1"}}};
  const InfoText back = parse_infotext(write_infotext(text));
  EXPECT_EQ(back.prompt, text.prompt);
  EXPECT_EQ(back.negative_prompt, text.negative_prompt);
  EXPECT_EQ(back.fields, text.fields);
  ASSERT_NE(back.find("Sampler"), nullptr);
  EXPECT_EQ(*back.find("Sampler"), "Euler a");
  EXPECT_EQ(back.find("Seed"), nullptr);
}

TEST(InfoText, ASizeMayHaveDigitsOfAnyScript) {
  std::string width, height;
  EXPECT_TRUE(is_size("١x20", &width, &height));
  EXPECT_EQ(width, "١");
  EXPECT_EQ(height, "20");
  for (const char* none : {"x", "1x", "x1", "1x2x3", "1 x2", "ax1", "1x²", ""}) {
    EXPECT_FALSE(is_size(none, &width, &height)) << none;
  }
}

TEST(InfoText, TakesTimeLinearInItsLength) {
  constexpr size_t kLength = 4'000'000;
  for (const char* piece : {"a", "ab:", "ab:\"", "ab: \"\\\",", " ", "Steps: 20, ", "\n",
                            "Negative prompt:\n", "\xFF", "-"}) {
    std::string text;
    while (text.size() < kLength) text += piece;
    const InfoText parsed = parse_infotext(text);
    EXPECT_LE(parsed.prompt.size() + parsed.negative_prompt.size(), text.size()) << piece;
  }
}

}  // namespace
}  // namespace sd::test
