#include "job/foreign/foreign_record.h"

#include <algorithm>

#include "job/foreign/readers.h"
#include "sd/error.h"

namespace sd::job {
namespace {

using nlohmann::json;

constexpr size_t kMostRecordBytes = size_t{8} << 20;

/// Asked in this order: those first whose texts another could take for its own.
constexpr ForeignReader kReaders[] = {
    {"Fooocus", is_fooocus, read_fooocus},
    {"SwarmUI", is_swarmui, read_swarmui},
    {"stable-diffusion.cpp", is_sdcpp, read_sdcpp},
    {"InvokeAI", is_invokeai, read_invokeai},
    {"InvokeAI 2", is_invokeai_2, read_invokeai_2},
    {"NovelAI", is_novelai, read_novelai},
    {"Draw Things", is_drawthings, read_drawthings},
    {"Easy Diffusion", is_easydiffusion, read_easydiffusion},
    {"ComfyUI", is_comfyui, read_comfyui},
    {"AUTOMATIC1111's web UI", is_webui, read_webui},
};

ForeignRecord no_record(const std::string& program, const std::string& error,
                        const std::string& why) {
  ForeignRecord record;
  record.program = program;
  record.error = error;
  record.cannot = {why};
  return record;
}

bool too_long(const image::PngMetadata& texts) {
  return std::any_of(texts.texts.begin(), texts.texts.end(),
                     [](const auto& text) { return text.second.size() > kMostRecordBytes; });
}

template <class T>
json optional_json(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

}  // namespace

bool has_foreign_record(const image::PngMetadata& texts) {
  constexpr std::string_view kKeywords[] = {"parameters", "prompt",      "workflow",
                                            "Dream",      "sd-metadata", "invokeai_metadata"};
  return std::any_of(std::begin(kKeywords), std::end(kKeywords),
                     [&](std::string_view keyword) { return texts.find(keyword) != nullptr; }) ||
         std::any_of(std::begin(kReaders), std::end(kReaders),
                     [&](const ForeignReader& reader) { return reader.knows(texts); });
}

ForeignRecord read_foreign_record(const image::PngMetadata& texts) {
  if (too_long(texts)) return no_record("", "not a record", "its text is longer than 8 MiB");
  for (const ForeignReader& reader : kReaders) {
    if (!reader.knows(texts)) continue;
    try {
      ForeignRecord record = reader.read(texts);
      if (record.program.empty()) record.program = reader.program;
      return record;
    } catch (const json::exception&) {
      return no_record(reader.program, "not a record", "its JSON is not as this program writes it");
    } catch (const Error& error) {
      return no_record(reader.program, error.what(), error.hint());
    }
  }
  return no_record("", "not a record", "no known program writes such a text");
}

json to_json(const ForeignRecord& record) {
  json loras = json::array();
  for (const ForeignLora& lora : record.loras) {
    loras.push_back({{"name", lora.name}, {"weight", lora.weight}});
    if (lora.text_weight) loras.back()["text_weight"] = *lora.text_weight;
  }
  json value = {{"prompt", optional_json(record.prompt)},
                {"negative", optional_json(record.negative)},
                {"steps", optional_json(record.steps)},
                {"sampler", optional_json(record.sampler)},
                {"schedule", optional_json(record.schedule)},
                {"scale", optional_json(record.scale)},
                {"seed", optional_json(record.seed)},
                {"width", optional_json(record.width)},
                {"height", optional_json(record.height)},
                {"model", optional_json(record.model)},
                {"model_hash", optional_json(record.model_hash)},
                {"clip_skip", optional_json(record.clip_skip)},
                {"loras", loras},
                {"strength", optional_json(record.strength)},
                {"noise", optional_json(record.noise)}};
  if (record.size_from_picture) value["size_from_picture"] = true;
  if (!record.hires.is_null()) value["hires"] = record.hires;
  if (!record.variation.is_null()) value["variation"] = record.variation;
  if (!record.extra.empty()) value["extra"] = record.extra;
  if (!record.error.empty()) value["error"] = record.error;
  return value;
}

}  // namespace sd::job
