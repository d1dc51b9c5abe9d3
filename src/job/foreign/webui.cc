// AUTOMATIC1111's web UI and Forge: PNG text "parameters", EXIF UserComment, or NAME.txt beside the
// picture, which their setting save_txt writes.

#include "base/strings.h"
#include "job/foreign/foreign_settings.h"
#include "job/foreign/infotext_record.h"
#include "job/foreign/loose_json.h"
#include "job/foreign/readers.h"
#include "job/infotext_fields.h"

namespace sd::job {
namespace {

constexpr const char* kNotV1 = "not a Stable Diffusion v1 model";

/// Forge's versions: "f2.0.1v1.10.1-…".
bool is_forge(const InfoText& text) {
  const std::string* version = text.find("Version");
  return version != nullptr && version->size() > 1 && version->front() == 'f' &&
         version->at(1) >= '0' && version->at(1) <= '9';
}

void add_forge(const InfoText& text, ForeignRecord* record) {
  record->program = "Forge";
  const bool other_model = text.find("Distilled CFG Scale") != nullptr;
  if (other_model) record->cannot.emplace_back(kNotV1);
  record->cannot.emplace_back("Forge's own text engine and sampling code");
  if (text.find("Diffusion in Low Bits") != nullptr) {
    record->cannot.emplace_back("weights in few bits");
  }
  const std::string* module = text.find("Module 1");
  if (module != nullptr && !other_model && text.find("Module 2") == nullptr) {
    record->extra["vae"] = *module;
  }
  if (record->hires.is_null()) return;
  if (const std::string* scale = text.find("Hires CFG Scale")) {
    record->hires["cfg"] = number_in(*scale).value_or(0);
    if (number_in(*scale) != record->scale) {
      record->cannot.emplace_back("a second pass with a CFG scale of its own");
    }
  }
}

/// A file beside the picture may be anything, a caption for one: its fields tell it.
const std::string* text_of(const image::PngMetadata& texts) {
  if (const std::string* text = texts.find("parameters")) return text;
  const std::string* beside = texts.find("file:txt");
  const bool is_ours = beside != nullptr && parse_infotext(*beside).find("Steps") != nullptr;
  return is_ours ? beside : nullptr;
}

}  // namespace

bool is_webui(const image::PngMetadata& texts) {
  const std::string* text = text_of(texts);
  return text != nullptr && !(looks_like_object(*text) && parse_python_json(*text).is_object());
}

ForeignRecord read_webui(const image::PngMetadata& texts) {
  const std::string& whole = *text_of(texts);
  const InfoText text = parse_infotext(whole, kForSettings);
  ForeignRecord record = record_of_infotext(text);
  record.infotext = text;
  record.pasted = parse_infotext(whole);
  if (const std::string* rng = text.find("RNG")) {
    record.noise = "web UI, RNG " + *rng;
  } else if (!text.fields.empty()) {
    record.noise = "web UI";
  }
  if (is_forge(text)) {
    add_forge(text, &record);
    return record;
  }
  record.cannot = settings_of_infotext(text).unsupported;
  if (record.strength) record.cannot.emplace_back(kNoStartPicture);
  return record;
}

}  // namespace sd::job
