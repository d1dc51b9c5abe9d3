#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sd/hires_settings.h"
#include "sd/image.h"
#include "sd/inpainting.h"
#include "sd/lora.h"
#include "sd/noise_place.h"
#include "sd/options.h"
#include "sd/prompt_settings.h"
#include "sd/sampler_knobs.h"

namespace sd {

/// The reference's scripts.
enum class Script { kTxt2Img, kImg2Img };

/// How the seed makes pictures differ from one another.
enum class SeedMode {
  kStream,  ///< the pictures share one random stream, as the reference's do
  kImage,   ///< picture k has its own stream, of seed + k
};

/// The format of the files that pictures are saved in.
enum class PictureFormat { kPng, kJpeg, kWebp };

/// A length of time.
struct TimeSpan {
  double seconds = 0;

  bool operator==(const TimeSpan&) const = default;
};

/// A size that an init image is shrunk to fit into.
struct FitSize {
  int width = 0;
  int height = 0;

  bool operator==(const FitSize&) const = default;
};

/// What may differ between the pictures of a batch.
struct PictureSettings {
  std::string prompt;  ///< UTF-8
  std::string
      negative_prompt;  ///< what guidance steers away from; the reference has the empty text
  double scale = 7.5;   ///< of the guidance; at 1 there is none
  std::string hires_prompt = {};           ///< of a second pass; empty: the prompt
  std::string hires_negative_prompt = {};  ///< empty: the negative prompt
  std::optional<uint64_t> seed =
      {};  ///< the picture's own; else the run's seed and its place count
  std::optional<uint64_t> variation_seed =
      {};  ///< where the noise goes with a variation strength; counts up as the run's seed
};

/// The picture that a batch starts from.
struct InitSettings {
  std::string file;
  /// How much of it is replaced by noise: 0 nothing, 1 all; not given: 0.75.
  std::optional<double> strength;
  std::optional<FitSize> fit;
  bool exif = false;  ///< turn it upright as its EXIF data say
  /// What the file holds, in the batch's size; null: the batch starts from noise alone.
  std::shared_ptr<const Image> image;
  MaskSettings mask = {};
  std::shared_ptr<const Inpainting> inpainting = nullptr;  ///< null: all of the picture is drawn

  /// Whether sampling starts from the picture's latent and not from noise alone.
  bool starts_sampling() const {
    return image != nullptr && (inpainting == nullptr || inpainting->mode == InpaintMode::kWebui);
  }
  bool operator==(const InitSettings&) const = default;
};

/// What the pictures of a batch have in common: pictures with equal ones may be drawn at once.
struct BatchSettings {
  int width = 512;  ///< of the pictures, in pixels
  int height = 512;
  std::string sampler = "ddim";  ///< a name of the table of samplers
  /// A name of the table of schedules; "automatic": the sampler's usual one. Samplers with
  /// their own timesteps (ddim, plms, dpm_solver) ignore it.
  std::string schedule = "automatic";
  int64_t steps = 50;
  SamplerKnobs knobs;
  NoiseChanges noise;
  PromptSettings prompts;
  HiresSettings hires;
  InitSettings init;
  std::vector<LoraUse> loras;  ///< applied in this order

  bool operator==(const BatchSettings&) const = default;
};

/// What a line of a prompt file may set for its pictures.
struct LineSettings {
  PictureSettings picture;
  BatchSettings batch;
  // The reference's spelling of a batch's size and sampler, which the plan turns into them:
  std::optional<int64_t> H;  ///< 512, or the built-in model's own size
  std::optional<int64_t> W;
  bool plms = false;
  bool dpm_solver = false;
};

/// How pictures are saved.
struct OutputSettings {
  PictureFormat format = PictureFormat::kPng;
  int64_t quality = 90;   ///< of JPEG and WebP
  int64_t save_size = 0;  ///< pixels of the longer side that pictures are shrunk to; 0: as drawn
  std::string sink = "folder";  ///< a name of the table of sinks
  bool metadata_jsonl = false;  ///< list the pictures in samples/metadata.jsonl
};

/// A run that can be resumed, and shared by machines.
struct JobSettings {
  std::string folder;  ///< empty: the run is not a job
  bool retry_failed = false;
  std::string shard;   ///< i/n, auto or auto/n; empty: all of it
  int64_t block = 64;  ///< batches that one shard draws together
  std::optional<TimeSpan> time_limit;
  /// Keys of the settings that files or variables chose; a job that exists keeps them.
  std::vector<std::string> from_files;
};

/// Everything that can be set for a run of txt2img or img2img. The initialisers are the
/// reference's defaults. src/job/settings_table.h says what each is called where.
struct Settings : LineSettings {
  explicit Settings(Script of = Script::kTxt2Img);

  Script script;
  std::string from_file;  ///< "-": standard input
  bool keep_going = false;
  bool expand = false;                  ///< whether prompts are templates
  std::string wildcards = "wildcards";  ///< the folder of the values that those name
  int64_t n_samples = 3;
  int64_t n_iter = 2;
  uint64_t seed = 42;
  std::optional<SeedMode>
      seed_mode;  ///< not given: kImage, but kStream for the reference's samplers
  bool fixed_code = false;
  RngKind rng = RngKind::kCuda;

  std::string ckpt;    ///< empty: see choose_model
  std::string config;  ///< empty: see choose_model
  bool laion400m = false;
  WeightChoice weights = WeightChoice::kConfig;
  std::string embeddings;  ///< a folder; empty: see find_embeddings_folder
  std::string vae;         ///< empty: one beside the checkpoint, else its own; "none": its own
  std::string lora_dir = "models/lora";  ///< where adapters are found by their names
  int64_t C = 4;
  int64_t f = 8;

  std::optional<std::string> outdir;  ///< not given: the reference's, see default_outdir
  int64_t n_rows = 0;                 ///< 0: n_samples
  bool skip_grid = false;
  bool skip_save = false;
  std::string watermark = "StableDiffusionV1";  ///< what the invisible watermark says
  bool no_watermark = false;
  bool no_metadata = false;
  int64_t preview = 0;  ///< steps from one preview to the next; 0: none
  OutputSettings output;
  JobSettings job;
  bool show = false;  ///< finished pictures in the terminal
  bool bell = false;  ///< the terminal's, at the end

  std::optional<SafetyMode> safety;  ///< not given: kBlack if the checker is at its place
  std::string safety_ckpt;           ///< empty: its default place

  DeviceOptions device;
  std::vector<std::string> devices;    ///< one worker each: cpu, cuda, cuda:N; empty: device alone
  std::optional<int64_t> progress_fd;  ///< the descriptor for lines of JSON
  bool profile = false;
  std::string profile_json;
};

}  // namespace sd
