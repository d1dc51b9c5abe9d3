#include "cli/flags.h"

#include <algorithm>
#include <climits>

#include "base/log.h"
#include "cli/flag_group.h"
#include "sd/request.h"

namespace sd {
namespace {

constexpr const char* kPicture = "What to draw";
constexpr const char* kSampling = "Sampling";

/// "1024x768" → a size. Throws CLI::ValidationError.
FitSize parse_fit(const std::string& text) {
  const size_t cross = text.find('x');
  if (cross != std::string::npos) {
    const int64_t width = parse_whole_number("fit", text.substr(0, cross));
    const int64_t height = parse_whole_number("fit", text.substr(cross + 1));
    const auto fits = [](int64_t side) { return side >= 1 && side <= kMaxSide; };
    if (fits(width) && fits(height)) return {static_cast<int>(width), static_cast<int>(height)};
  }
  throw CLI::ValidationError("--fit",
                             "expected a size like 1024x768, found '" + printable(text, 60) + "'");
}

std::vector<std::pair<std::string, std::optional<SafetyMode>>> safety_words() {
  return {{"off", SafetyMode::kOff},
          {"report", SafetyMode::kReport},
          {"blur", SafetyMode::kBlur},
          {"black", SafetyMode::kBlack},
          {"refuse", SafetyMode::kRefuse}};
}

/// "0,cuda:2,cpu" → cuda:0, cuda:2, cpu. Throws CLI::ValidationError.
std::vector<std::string> parse_devices(const std::string& text) {
  std::vector<std::string> devices;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    const bool number = !word.empty() && std::all_of(word.begin(), word.end(),
                                                     [](char c) { return c >= '0' && c <= '9'; });
    if (!number && word != "cpu" && word.rfind("cuda", 0) != 0) {
      throw CLI::ValidationError(
          "--devices", "expected cards like 0,1 (or cpu), found '" + printable(text, 60) + "'");
    }
    devices.push_back(number ? "cuda:" + word : word);
    begin = end + 1;
  }
  return devices;
}

/// The range itself is checked where the device is chosen.
int to_thread_count(int64_t count) {
  return static_cast<int>(std::clamp<int64_t>(count, INT_MIN, INT_MAX));
}

/// What a line of a prompt file may set, but for its seed.
void add_picture_flags(CLI::App* app, Script script, PictureOptions* o) {
  FlagGroup picture(app, kPicture);
  picture.text("negative-prompt", o->negative_prompt, "words to lead away from");
  if (script == Script::kTxt2Img) {
    picture.whole_number("H", o->H, "height in pixels, a multiple of 64")
        ->default_str("512; the built-in model: 128");
    picture.whole_number("W", o->W, "width in pixels, a multiple of 64")
        ->default_str("512; the built-in model: 128");
  } else {
    picture.text("init-img", o->init_img, "the picture to start from", "FILE");
    picture.number("strength", o->strength,
                   "how much of it is noised away: 0 leaves it, 1 takes all");
  }
  picture.number("scale", o->scale, "guidance: how strongly the words lead; 1 is none");
  FlagGroup sampling(app, kSampling);
  sampling.whole_number("ddim_steps", o->ddim_steps, "steps, of whichever sampler");
  sampling.text("sampler", o->sampler, "the sampler; wins over --plms and --dpm_solver", "NAME")
      ->default_str("ddim");
  sampling
      .text("schedule", o->schedule, "how the levels of noise are laid: uniform, karras, …", "NAME")
      ->default_str("the sampler's");
  sampling.flag("plms", o->plms, "sample with PLMS instead of DDIM");
  if (script == Script::kTxt2Img) {
    sampling.flag("dpm_solver", o->dpm_solver, "sample with DPM-Solver++ 2M (wins over --plms)");
  }
  sampling.number("ddim_eta", o->ddim_eta, "DDIM only: 0 deterministic, 1 as DDPM");
}

void add_batch_flags(CLI::App* app, RunOptions* o) {
  FlagGroup group(app, kPicture);
  group.text("from-file", o->from_file,
             "draw the prompts of this file (- is standard input) instead of --prompt: one a line, "
             "which may have flags of its own, or JSON Lines",
             "FILE");
  group.flag("keep-going", o->keep_going, "leave bad lines of that file out and draw the others");
  group.whole_number("n_samples", o->n_samples, "pictures at once (the batch)");
  group.whole_number("n_iter", o->n_iter, "draw every batch so many times");
  if (o->script == Script::kTxt2Img) return;
  group.parsed(
      "fit", [o](const std::string& text) { o->fit = parse_fit(text); },
      "bring larger init images down to fit into so many pixels", "WxH");
  group.flag("exif", o->exif, "turn init images upright as their EXIF data say");
}

void add_stream_flags(CLI::App* app, RunOptions* o) {
  FlagGroup group(app, kSampling);
  group
      .parsed(
          "seed", [o](const std::string& text) { o->seed = parse_seed(text); },
          "where the random numbers start; the same seed and flags give the same picture", "INT")
      ->default_str("42");
  group
      .choice<std::optional<SeedMode>>(
          "seed-mode", o->seed_mode, {{"stream", SeedMode::kStream}, {"image", SeedMode::kImage}},
          0,
          "all pictures from one stream, as the reference's, or picture k from a stream of its "
          "own, of seed + k; not promised: the last bit, for sums are rounded by how many are "
          "drawn at once")
      ->default_str("stream with ddim, plms and dpm_solver, else image");
  group.flag("fixed_code", o->fixed_code, "start every batch from the same noise");
  group.choice<RngKind>("rng", o->rng, {{"cuda", RngKind::kCuda}, {"cpu", RngKind::kCpu}}, 0,
                        "whose random numbers: those of an NVIDIA card (on any device), or of "
                        "torch's CPU generator");
}

void add_model_flags(CLI::App* app, RunOptions* o) {
  FlagGroup group(app, "Model");
  group.text("ckpt", o->ckpt, "checkpoint, .ckpt or .safetensors", "FILE")
      ->default_str("models/ldm/stable-diffusion-v1/model.ckpt");
  group.text("config", o->config, "the model's YAML file", "FILE")
      ->default_str("configs/stable-diffusion/v1-inference.yaml");
  if (o->script == Script::kTxt2Img) {
    group.flag("laion400m", o->laion400m, "use the LAION-400M model at its default place");
  }
  group.choice<WeightChoice>("weights", o->weights,
                             {{"config", WeightChoice::kConfig},
                              {"ema", WeightChoice::kEma},
                              {"plain", WeightChoice::kPlain}},
                             0,
                             "averaged (ema) or last (plain) weights of the UNet; config: as "
                             "use_ema of the YAML says");
  group.whole_number("C", o->C, "channels of the latent");
  group.whole_number("f", o->f, "pixels a latent value stands for, along each side");
}

void add_output_flags(CLI::App* app, RunOptions* o) {
  FlagGroup group(app, "Output");
  group
      .parsed(
          "outdir",
          [o](const std::string& text) {
            o->outdir = text;
            o->outdir_given = true;
          },
          "folder for samples/00000.png … and grid-0000.png …", "DIR")
      ->default_str(default_outdir(*o));
  group.whole_number("n_rows", o->n_rows, "pictures in a row of the grid; 0: n_samples");
  group.flag("skip_grid", o->skip_grid, "write no grid of all pictures");
  group.flag("skip_save", o->skip_save, "write no single pictures");
  group.text("watermark", o->watermark, "what the invisible watermark says")->capture_default_str();
  group.flag("no-watermark", o->no_watermark, "leave the invisible watermark out");
  group.flag("no-metadata", o->no_metadata, "leave the parameters out of the PNG files");
}

void add_safety_flags(CLI::App* app, RunOptions* o) {
  FlagGroup group(app, "Safety checker");
  group
      .choice<std::optional<SafetyMode>>(
          "safety", o->safety, safety_words(), 0,
          "what to do with pictures that it flags: nothing is checked; only say so; blur them; "
          "make them black, as the reference; write none")
      ->default_str("black, where the checker is at its place");
  group
      .text("safety-ckpt", o->safety_ckpt, "its weights, .safetensors or pytorch_model.bin", "FILE")
      ->default_str("models/safety_checker/model.safetensors");
}

void add_device_flags(CLI::App* app, RunOptions* o) {
  FlagGroup group(app, "Device");
  group.choice<Precision>(
      "precision", o->device.precision,
      {{"full", Precision::kFull}, {"autocast", Precision::kAutocast}, {"bf16", Precision::kBf16}},
      1,
      "float32 (full), on a card half precision (autocast) or bfloat16; on the "
      "CPU autocast is full");
  CLI::Option* device = group.text("device", o->device.device, "auto, cpu, cuda or cuda:N", "NAME")
                            ->capture_default_str();
  group
      .parsed(
          "devices", [o](const std::string& text) { o->devices = parse_devices(text); },
          "several cards, like 0,1: each draws whole batches; the same pictures as on one", "LIST")
      ->excludes(device);
  group
      .whole_number(
          "threads", [o](int64_t count) { o->device.threads = to_thread_count(count); },
          "threads; 0: as many as this process may use")
      ->default_str("0");
  group.choice<MemoryMode>(
      "memory", o->device.memory,
      {{"fast", MemoryMode::kFast}, {"balanced", MemoryMode::kBalanced}, {"low", MemoryMode::kLow}},
      1, "what a run may keep to be faster; low: a third of the memory");
  group.choice<VaeTiling>(
      "vae-tiling", o->device.vae_tiling,
      {{"auto", VaeTiling::kAuto}, {"on", VaeTiling::kOn}, {"off", VaeTiling::kOff}}, 0,
      "encode and decode pictures in strips, without seams: half of the memory, a fifth more time; "
      "auto: large pictures");
  group.choice<KernelChoice>("kernels", o->device.kernels,
                             {{"auto", KernelChoice::kAuto},
                              {"aten", KernelChoice::kAten},
                              {"avx2", KernelChoice::kAvx2},
                              {"avx512", KernelChoice::kAvx512}},
                             0,
                             "the fastest kernels that the processor has, plain ATen everywhere, "
                             "or none beyond these instructions");
  group.flag("profile", o->profile, "say at the end where the time went");
  group.text("profile-json", o->profile_json, "write that to a file, as JSON", "FILE");
}

/// Shows the first spelling of a flag only.
class OneSpellingFormatter final : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool positional) const override {
    if (positional) return option->get_name(true, false);
    std::vector<std::string> shown;
    if (!option->get_snames().empty()) shown.push_back("-" + option->get_snames().front());
    if (!option->get_lnames().empty()) shown.push_back("--" + option->get_lnames().front());
    return join(shown, ", ");
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    std::string shown;
    if (option->get_type_size() != 0 && !option->get_type_name().empty()) {
      shown += " " + option->get_type_name();
    }
    if (!option->get_default_str().empty()) {
      std::string value = option->get_default_str();
      if (option->get_type_name() == "TEXT") value = "\"" + value + "\"";
      shown += " (" + value + ")";
    }
    return shown;
  }
};

}  // namespace

void add_verbosity_flags(CLI::App* app) {
  app->add_flag_function(
         "-q,--quiet", [](int64_t) { set_verbosity(Verbosity::kQuiet); },
         "print paths and errors only")
      ->group("Output");
  app->add_flag_function(
         "-v,--verbose", [](int64_t) { set_verbosity(Verbosity::kVerbose); }, "print more")
      ->group("Output");
}

void add_run_flags(CLI::App* app, RunOptions* options) {
  FlagGroup(app, kPicture)
      .text("prompt", options->picture.prompt, "the words to draw")
      ->capture_default_str();
  add_picture_flags(app, options->script, &options->picture);
  add_batch_flags(app, options);
  add_stream_flags(app, options);
  add_model_flags(app, options);
  add_output_flags(app, options);
  add_safety_flags(app, options);
  add_device_flags(app, options);
}

void add_line_flags(CLI::App* app, Script script, PictureOptions* options) {
  add_picture_flags(app, script, options);
  FlagGroup(app, kSampling)
      .parsed(
          "seed", [options](const std::string& text) { options->seed = parse_seed(text); },
          "the picture's own seed", "INT");
}

std::shared_ptr<CLI::Formatter> help_formatter() {
  auto formatter = std::make_shared<OneSpellingFormatter>();
  formatter->column_width(34);
  return formatter;
}

}  // namespace sd
