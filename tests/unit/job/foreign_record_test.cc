// Other programs' records: what is understood of them, and that no text breaks their readers.

#include "job/foreign/foreign_record.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/webui.h"

namespace sd::test {
using namespace image;
using namespace job;

namespace {

using nlohmann::json;

/// The keyword under which decode_picture_texts gives a recorded chunk.
std::string keyword_of(const json& chunk) {
  const std::string kind = chunk.at("kind");
  if (kind.starts_with("file NAME.")) return "file:" + kind.substr(10);
  if (kind.find("UserComment") != std::string::npos) return "parameters";
  if (kind.starts_with("EXIF ")) return "exif:" + kind.substr(kind.rfind(' ') + 1);
  if (kind == "XMP") return "XML:com.adobe.xmp";
  return chunk.at("keyword");
}

PngMetadata texts_of(const json& recorded) {
  PngMetadata texts;
  for (const json& chunk : recorded.at("chunks")) {
    std::string text = chunk.at("text");
    if (chunk.at("kind") == "XMP") {
      std::string escaped;
      for (const char c : text) {
        if (c == '&')
          escaped += "&amp;";
        else if (c == '<')
          escaped += "&lt;";
        else if (c == '"')
          escaped += "&quot;";
        else
          escaped += c;
      }
      const std::string name = chunk.at("keyword");
      text = "<x:xmpmeta><rdf:Description>\n<" + name + ">" + escaped + "</" + name + ">";
    }
    texts.add(keyword_of(chunk), text);
  }
  return texts;
}

/// As the recordings compare: prompts without outer white space, numbers by value.
json comparable(json value) {
  for (const char* key : {"prompt", "negative"}) {
    if (!value.contains(key) || !value.at(key).is_string()) continue;
    std::string text = value.at(key);
    text.erase(0, text.find_first_not_of(" \n"));
    text.erase(text.find_last_not_of(" \n") + 1);
    value[key] = text;
  }
  return value;
}

TEST(ForeignRecord, IsUnderstoodAsFarAsItSays) {
  SD_NEEDS_WEBUI();
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(webui_dir() / "foreign")) {
    const json recorded = webui_json("foreign/" + entry.path().filename().string());
    const json ours = to_json(read_foreign_record(texts_of(recorded)));
    EXPECT_EQ(comparable(ours), comparable(recorded.at("expect"))) << entry.path().filename();
    ++count;
  }
  EXPECT_EQ(count, 43);
}

TEST(ForeignRecord, MayLieInATextFileBesideTheWebUisPicture) {
  const auto read = [](const std::string& text) {
    PngMetadata texts;
    texts.add("file:txt", text);
    return std::pair(has_foreign_record(texts), read_foreign_record(texts));
  };
  const auto [is_one, record] =
      read("a cat\nNegative prompt: grey\nSteps: 5, Sampler: Euler a, CFG scale: 7, Seed: 3\n");
  EXPECT_TRUE(is_one);
  EXPECT_EQ(record.program, "AUTOMATIC1111's web UI");
  EXPECT_EQ(record.prompt, "a cat");
  EXPECT_EQ(record.negative, "grey");
  EXPECT_EQ(record.seed, 3U);
  EXPECT_FALSE(read("a caption").first);
  EXPECT_FALSE(read("subject: a cat, style: ink, mood: calm").first);
}

/// A ComfyUI graph with a sampler 3, as which `model` and `latent` are linked.
ForeignRecord comfyui(const json& model, const json& latent, const json& more = json::object()) {
  json graph = {{"3",
                 {{"class_type", "KSampler"},
                  {"inputs",
                   {{"seed", 1},
                    {"steps", 20},
                    {"cfg", 7},
                    {"sampler_name", "euler"},
                    {"scheduler", "normal"},
                    {"denoise", 1},
                    {"positive", json::array({"6", 0})},
                    {"negative", json::array({"77", 0})},
                    {"model", model},
                    {"latent_image", latent}}}}},
                {"5",
                 {{"class_type", "EmptyLatentImage"},
                  {"inputs", {{"width", 64}, {"height", 64}, {"batch_size", 1}}}}},
                {"6", {{"class_type", "CLIPTextEncode"}, {"inputs", {{"text", "a cat"}}}}}};
  graph.update(more);
  PngMetadata texts;
  texts.add("prompt", graph.dump());
  return read_foreign_record(texts);
}

bool mentions(const ForeignRecord& record, const std::string& part) {
  return std::count_if(record.cannot.begin(), record.cannot.end(), [&](const std::string& reason) {
           return reason.find(part) != std::string::npos;
         }) == 1;
}

TEST(ForeignRecord, NamesTheLinkOfAGraphThatLeadsNowhere) {
  const ForeignRecord record = comfyui(json::array({"9", 0}), json::array({"5", 0}));
  EXPECT_EQ(record.prompt, "a cat");
  EXPECT_TRUE(mentions(record,
                       "the negative prompt: input negative of KSampler (node 3) leads to "
                       "node 77, which is not in the graph"));
  EXPECT_TRUE(mentions(record, "the model: input model of KSampler (node 3) leads to node 9"));
  EXPECT_TRUE(mentions(comfyui("x", json::array({"5", 0})),
                       "input model of KSampler (node 3) is not a link"));
  EXPECT_TRUE(mentions(comfyui(json::array({"9", 0}), nullptr),
                       "the latent: input latent_image of KSampler (node 3) is not there"));
}

/// A node of that type with these inputs.
json node(const char* type, const json& inputs) {
  return {{"class_type", type}, {"inputs", inputs}};
}

TEST(ForeignRecord, NamesWhatAGraphDoesWithThePictureThatIsDrawn) {
  const json link3 = json::array({"3", 0}), link5 = json::array({"5", 0});
  json more = {{"8", node("VAEDecode", {{"samples", link3}, {"vae", json::array({"20", 0})}})},
               {"9", node("SaveImage", {{"images", json::array({"8", 0})}})},
               {"20", node("VAELoader", {{"vae_name", "used.pt"}})},
               {"21", node("VAELoader", {{"vae_name", "unused.pt"}})}};
  const ForeignRecord plain = comfyui("x", link5, more);
  EXPECT_FALSE(mentions(plain, "goes through"));
  EXPECT_EQ(plain.extra.value("vae", ""), "used.pt");
  more["9"] = node("SaveImage", {{"images", json::array({"12", 0})}});
  more["12"] = node("ImageScaleBy", {{"image", json::array({"8", 0})}, {"scale_by", 2}});
  EXPECT_TRUE(
      mentions(comfyui("x", link5, more), "the picture goes through ImageScaleBy (node 12)"));
  more["8"] = node("VAEDecode", {{"samples", json::array({"30", 0})}});
  more["30"] = node("SamplerCustom", {{"noise_seed", 3}});
  EXPECT_TRUE(mentions(comfyui("x", link5, more),
                       "no links lead from SaveImage (node 9) back to a sampler that is known"));
}

TEST(ForeignRecord, SaysWhatComfyUiReadsOtherwiseInPrompts) {
  const auto drawn_of = [](const std::string& prompt) {
    return comfyui("x", json::array({"5", 0}), {{"6", node("CLIPTextEncode", {{"text", prompt}})}});
  };
  constexpr const char* kWeights = "ComfyUI's way with weights";
  for (const char* plain : {"a cat, 5:4", "a cat \\(big\\) \\[x\\]"}) {
    EXPECT_FALSE(mentions(drawn_of(plain), kWeights)) << plain;
  }
  for (const char* weighted : {"a (cat)", "a (cat:1.2)", "[cat:dog:0.5]", "a cat BREAK a dog"}) {
    EXPECT_TRUE(mentions(drawn_of(weighted), kWeights)) << weighted;
  }
  EXPECT_TRUE(mentions(drawn_of("a embedding:x.pt cat"), "embedding:…"));
}

TEST(ForeignRecord, TakesValuesOfNodesThatHoldNothingElse) {
  const auto drawn_with = [](const json& source) {
    json graph = {{"3", node("KSampler", {{"seed", json::array({"4", 0})}, {"steps", 20}})},
                  {"4", source}};
    PngMetadata texts;
    texts.add("prompt", graph.dump());
    return read_foreign_record(texts);
  };
  EXPECT_EQ(drawn_with(node("PrimitiveInt", {{"value", 77}})).seed, 77U);
  EXPECT_EQ(drawn_with(node("Seed (rgthree)", {{"seed", 78}})).seed, 78U);
  const ForeignRecord unknown = drawn_with(node("RandomSeed", {{"seed", 79}}));
  EXPECT_EQ(unknown.seed, std::nullopt);
  EXPECT_TRUE(mentions(unknown, "the seed comes from an unknown node: RandomSeed"));
}

TEST(ForeignRecord, NamesTheRingOfAGraph) {
  const auto loader = [](const char* id, const char* next) {
    return json{{id,
                 {{"class_type", "LoraLoader"},
                  {"inputs", {{"lora_name", id}, {"model", json::array({next, 0})}}}}}};
  };
  json loaders = loader("10", "11");
  loaders.update(loader("11", "10"));
  const ForeignRecord ring = comfyui(json::array({"10", 0}), json::array({"5", 0}), loaders);
  EXPECT_TRUE(mentions(ring, "the graph's links lead back to LoraLoader (node 10)"));
  EXPECT_EQ(ring.loras.size(), 2U);
  const ForeignRecord self = comfyui(json::array({"10", 0}), json::array({"3", 0}), loaders);
  EXPECT_TRUE(mentions(self, "the graph's links lead back to KSampler (node 3)"));
  EXPECT_TRUE(self.hires.is_null());
}

}  // namespace
}  // namespace sd::test
