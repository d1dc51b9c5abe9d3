#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "image/png_metadata.h"
#include "job/options.h"
#include "sd/pipeline.h"

namespace sd {

/// A grid's record holds those of all its pictures.
inline constexpr JsonLimits kRecordLimits = {.depth = 64, .values = 4'000'000};

/// The model that drew a picture.
struct ModelRecord {
  std::string checkpoint;  ///< as it was typed; of an absolute path only the name
  std::string config;      ///< likewise
  std::string sha256;      ///< of the checkpoint's file
  bool ema = false;
  bool built_in = false;
};

/// The picture that an img2img run started from.
struct InitRecord {
  std::string file;           ///< as it was typed; of an absolute path only the name
  std::string pixels_sha256;  ///< of its bytes once it has the picture's size
  double strength = 0;
  std::optional<FitSize> fit;
  bool exif = false;
};

/// All that a PNG of ours says of how it was drawn.
struct PictureRecord {
  std::string version;  ///< of the program
  Script script = Script::kTxt2Img;
  PictureSpec picture;
  int width = 0;
  int height = 0;
  std::string sampler;
  std::string schedule = "automatic";  ///< written where it is another
  int64_t steps = 0;
  double eta = 0;
  RngKind rng = RngKind::kCuda;
  DrawRecord draw;
  bool own_stream = false;  ///< whether its random numbers were shared with no other picture
  bool fixed_code = false;
  std::optional<InitRecord> init;
  ModelRecord model;
  DeviceOptions device;   ///< as it was resolved
  std::string watermark;  ///< empty: none
  SafetyMode safety_mode = SafetyMode::kOff;
  SafetyOutcome safety;
};

/// A path as a record may show it to the world: what was typed, but of an absolute one the name.
std::string recorded_path(const std::string& path);

/// SHA-256 of the picture's bytes, row by row.
std::string pixels_sha256(const Image& image);

nlohmann::json to_json(const PictureRecord& record);

/// Throws Error(kFile), naming what is missing or wrong, for what `to_json` did not make. `name` is
/// the file's.
PictureRecord parse_record(const std::string& json, const std::string& name);

/// The lines that AUTOMATIC1111's web UI writes under "parameters", and many tools read.
std::string a1111_text(const PictureRecord& record);

/// The two texts of a picture's PNG.
PngMetadata metadata_of(const PictureRecord& record);

/// Those of a grid: the first picture's for other tools, and the records of all.
PngMetadata grid_metadata(const std::vector<PictureRecord>& records);

/// The keyword of the JSON.
inline constexpr const char* kRecordKeyword = "stable-diffusion";

}  // namespace sd
