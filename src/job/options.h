#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sd/options.h"

namespace sd {

/// The reference's scripts.
enum class Script { kTxt2Img, kImg2Img };

/// Flags that a line of --from-file may set for its picture.
struct PictureOptions {
  std::string prompt = "a painting of a virus monster playing guitar";
  std::string negative_prompt;
  std::optional<uint64_t> seed;  ///< of a line: its picture's own
  std::optional<int64_t> H;      ///< 512, or the built-in model's own size
  std::optional<int64_t> W;      ///< likewise
  std::string sampler;           ///< empty: --dpm_solver, --plms or DDIM
  std::string schedule;          ///< empty: the sampler's usual one
  int64_t ddim_steps = 50;
  bool plms = false;
  bool dpm_solver = false;
  double ddim_eta = 0.0;
  double scale = 7.5;
  std::string init_img;  ///< img2img: the picture to start from
  double strength = 0.75;
};

/// How --seed makes pictures differ from one another.
enum class SeedMode {
  kStream,  ///< the pictures share one random stream, as the reference's do
  kImage,   ///< picture k has a stream of its own, of seed + k
};

/// A size that an init image is brought down to.
struct FitSize {
  int width = 0;
  int height = 0;
};

/// The flags of txt2img and img2img as typed: the reference's names, and its defaults as
/// initialisers.
struct RunOptions {
  explicit RunOptions(Script of) : script(of) {
    if (of == Script::kTxt2Img) return;
    picture.scale = 5.0;
    n_iter = 1;
    n_samples = 2;
  }

  Script script;
  PictureOptions picture;
  std::string from_file;  ///< "-": standard input
  bool keep_going = false;
  std::string outdir;  ///< empty: the reference's, see default_outdir
  bool outdir_given = false;
  bool skip_grid = false;
  bool skip_save = false;
  bool laion400m = false;
  bool fixed_code = false;
  int64_t n_iter = 2;
  int64_t C = 4;
  int64_t f = 8;
  int64_t n_samples = 3;
  int64_t n_rows = 0;  ///< 0: n_samples
  std::string config;  ///< empty: see choose_model
  std::string ckpt;    ///< likewise
  uint64_t seed = 42;

  // Ours.
  std::optional<SeedMode>
      seed_mode;  ///< not given: kStream for the reference's samplers, else kImage
  RngKind rng = RngKind::kCuda;
  WeightChoice weights = WeightChoice::kConfig;
  DeviceOptions device;
  std::vector<std::string> devices;  ///< one worker each: cpu, cuda, cuda:N; empty: device alone
  std::optional<FitSize> fit;
  bool exif = false;
  std::optional<SafetyMode> safety;  ///< not given: kBlack where the checker is at its place
  std::string safety_ckpt;           ///< empty: its default place
  std::string watermark = "StableDiffusionV1";  ///< what the invisible watermark says
  bool no_watermark = false;
  bool no_metadata = false;
  bool profile = false;
  std::string profile_json;  ///< file for the same as JSON
};

/// Where the reference's script puts its pictures.
const char* default_outdir(const RunOptions& options);

}  // namespace sd
