#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "image/picture_texts.h"
#include "job/hash_list.h"
#include "job/lora_hash.h"
#include "job/settings.h"
#include "sd/pipeline.h"

namespace sd::job {

/// A grid's record holds those of all its pictures.
inline constexpr JsonLimits kRecordLimits = {.depth = 64, .values = 4'000'000};

/// All that a PNG of ours says of how it was drawn.
struct PictureRecord {
  std::string version;  ///< of the program
  /// As they were resolved for this picture: its prompts, size and seed; `seed_mode` kImage if its
  /// random numbers were shared with no other picture; the device with nothing left to be chosen;
  /// weights kEma or kPlain; `watermark` empty if there is none. Of absolute paths only the names.
  Settings settings;
  DrawRecord draw;
  std::vector<LoraHash> lora_hashes = {};        ///< of the adapters, in their order
  std::vector<LoraHash> hires_lora_hashes = {};  ///< of a second pass's own
  std::vector<NamedHash> embeddings = {};        ///< that its prompts name, with their SHA-256
  std::string init_sha256;       ///< of the init image's bytes once it has the picture's size
  std::string mask_sha256 = {};  ///< of what an inpainting took from its files, or empty
  std::string model_sha256;      ///< of the checkpoint's file
  std::string vae_sha256 = {};   ///< of the autoencoder's, where another was given
  bool built_in_model = false;
  SafetyOutcome safety;

  bool starts_from_picture() const { return settings.script == Script::kImg2Img; }
};

/// A path as a record may show it to the world: what was typed, but of an absolute one the name.
std::string recorded_path(const std::string& path);

/// The name of a file or folder, wherever it lies; empty for no path.
std::string recorded_name(const std::string& path);

/// As a record shows an autoencoder that was given (`ModelPaths::vae`), with its path as `shown`
/// has it.
std::string recorded_vae(const std::string& vae,
                         std::string (*shown)(const std::string& path) = recorded_path);

/// The settings that a record has of a picture of that request: the run's, with what the request
/// says of the picture, where its random numbers come from, and paths as records show them.
Settings recorded_settings(const Settings& run, const Request& request, const DrawRecord& draw);

/// SHA-256 of the picture's bytes, row by row.
std::string pixels_sha256(const Image& image);

nlohmann::json to_json(const PictureRecord& record);

/// Throws Error(kFile), naming what is missing or wrong, for what `to_json` did not make. `name` is
/// the file's.
PictureRecord parse_record(const std::string& json, const std::string& name);

/// The two texts of a picture's PNG.
image::PngMetadata metadata_of(const PictureRecord& record);

/// Those of a grid: the first picture's for other tools, and the records of all.
image::PngMetadata grid_metadata(const std::vector<PictureRecord>& records);

}  // namespace sd::job
