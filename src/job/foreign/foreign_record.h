#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "image/png_metadata.h"
#include "job/infotext.h"

namespace sd::job {

/// An adapter (LoRA) that a record names.
struct ForeignLora {
  std::string name;
  double weight = 1;
  std::optional<double> text_weight;  ///< of the text encoder, where the record has one of its own
};

/// What another program says of how it drew a picture. Samplers and schedules have the web UI's
/// names; a schedule that is absent is the sampler's own.
struct ForeignRecord {
  std::string program;
  std::optional<std::string> prompt;
  std::optional<std::string> negative;
  std::optional<int64_t> steps;
  std::optional<std::string> sampler;
  std::optional<std::string> schedule;
  std::optional<double> scale;
  std::optional<uint64_t> seed;
  std::optional<int64_t> width;
  std::optional<int64_t> height;
  bool size_from_picture = false;  ///< the record has none
  std::optional<std::string> model;
  std::optional<std::string> model_hash;
  std::optional<int64_t> clip_skip;  ///< 1: the last layer
  std::vector<ForeignLora> loras;    ///< in the order in which they are applied
  std::optional<double> strength;    ///< of img2img
  std::optional<std::string> noise;  ///< whose random numbers, and how they are drawn
  nlohmann::json hires;              ///< a second pass; null: none
  nlohmann::json variation;          ///< a list of {seed, weight}; null: none
  nlohmann::json extra = nlohmann::json::object();  ///< what else is known
  std::vector<std::string> cannot;   ///< what keeps the same picture from being drawn here
  std::optional<InfoText> infotext;  ///< the web UI's and its forks' text
  std::optional<InfoText> pasted;    ///< the same, as the web UI takes it apart
  std::string error;                 ///< why the text is no record; empty: it is one
};

/// The record among a picture's texts (see picture_texts), by whichever program; one with an
/// `error` where no program is known that writes such texts. Throws nothing but bad_alloc.
ForeignRecord read_foreign_record(const image::PngMetadata& texts);

/// Whether the texts look like a record of some program, be it a broken one.
bool has_foreign_record(const image::PngMetadata& texts);

/// {"prompt": …, "negative": …, "steps": …}: null for what the record does not say.
nlohmann::json to_json(const ForeignRecord& record);

}  // namespace sd::job
