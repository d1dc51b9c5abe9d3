// Draw Things (its reader, ImageConverter.swift): JSON in the XMP property exif:UserComment.

#include "job/foreign/loose_json.h"
#include "job/foreign/readers.h"
#include "job/foreign/xmp.h"

namespace sd::job {
namespace {

using nlohmann::json;

constexpr NamePair kSamplers[] = {{"Euler Ancestral", "Euler a"},
                                  {"Euler A", "Euler a"},
                                  {"Euler", "Euler"},
                                  {"DPM++ 2M", "DPM++ 2M"},
                                  {"DPM++ SDE", "DPM++ SDE"},
                                  {"DDIM", "DDIM"},
                                  {"PLMS", "PLMS"},
                                  {"UniPC", "UniPC"},
                                  {"LCM", "LCM"}};
constexpr NamePair kEnds[] = {{" Karras", "Karras"}, {" AYS", "Align Your Steps"}};

std::string comment_of(const image::PngMetadata& texts) {
  const std::string* packet = texts.find("XML:com.adobe.xmp");
  return packet == nullptr ? "" : xmp_property(*packet, "exif:UserComment");
}

/// Names carry the schedule: "DPM++ 2M Karras", "Euler A Trailing", "DPM++ 2M AYS".
void set_sampler(std::string name, ForeignRecord* record) {
  for (const NamePair& end : kEnds) {
    if (!name.ends_with(end.theirs)) continue;
    name.erase(name.size() - std::string_view(end.theirs).size());
    record->schedule = end.ours;
  }
  constexpr std::string_view kTrailing = " Trailing";
  if (name.ends_with(kTrailing)) {
    name.erase(name.size() - kTrailing.size());
    record->cannot.emplace_back("trailing timesteps");
  }
  record->sampler = translate(kSamplers, name, "sampler", &record->cannot);
}

void set_noise(const std::string& mode, ForeignRecord* record) {
  record->noise = mode;
  const bool known = mode == "Torch CPU Compatible" || mode == "NVIDIA GPU Compatible";
  if (!known) record->cannot.push_back("seed mode " + mode);
}

}  // namespace

bool is_drawthings(const image::PngMetadata& texts) {
  const std::string comment = comment_of(texts);
  return looks_like_object(comment) && comment.find("\"c\"") != std::string::npos;
}

ForeignRecord read_drawthings(const image::PngMetadata& texts) {
  const json values = parse_object(comment_of(texts));
  ForeignRecord record;
  record.prompt = text_in(member(values, "c"));
  record.negative = text_in(member(values, "uc"));
  record.steps = whole_in(member(values, "steps"));
  record.scale = number_in(member(values, "scale"));
  record.seed = seed_in(member(values, "seed"));
  set_size(text_in(member(values, "size")).value_or(""), &record);
  record.model = text_in(member(values, "model"));
  record.clip_skip = whole_in(member(values, "clip_skip"));
  record.strength = number_in(member(values, "strength"));
  set_sampler(text_in(member(values, "sampler")).value_or(""), &record);
  set_noise(text_in(member(values, "seed_mode")).value_or("Legacy"), &record);
  for (const json& lora : member(values, "lora")) {
    record.loras.push_back({.name = text_in(member(lora, "model")).value_or(""),
                            .weight = number_in(member(lora, "weight")).value_or(1),
                            .text_weight = {}});
  }
  record.cannot.emplace_back("its own networks in half precision");
  return record;
}

}  // namespace sd::job
