// Other programs' records: what is understood of them, and that no text breaks their readers.

#include "job/foreign/foreign_record.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sd::test
