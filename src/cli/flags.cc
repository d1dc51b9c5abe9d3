#include "cli/flags.h"

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

/// "--n_samples,--n-samples": the reference's spelling first, the other one beside it.
std::string spellings(const std::string& name) {
  std::string other = name;
  std::replace(other.begin(), other.end(), '_', '-');
  if (other == name) std::replace(other.begin(), other.end(), '-', '_');
  return other == name ? "--" + name : "--" + name + ",--" + other;
}

/// Options and flags of one group of the help page. A flag that is given twice counts the last
/// time, as with the reference's argparse.
class Group {
 public:
  Group(CLI::App* app, std::string title) : app_(app), title_(std::move(title)) {}

  template <class T>
  CLI::Option* option(const std::string& name, T& value, const std::string& help,
                      const std::string& kind) {
    return finish(app_->add_option(spellings(name), value, help))->type_name(kind);
  }
  CLI::Option* flag(const std::string& name, bool& value, const std::string& help) {
    return finish(app_->add_flag(spellings(name), value, help));
  }
  template <class T>
  CLI::Option* choice(const std::string& name, T& value,
                      const std::vector<std::pair<std::string, T>>& words, size_t fallback,
                      const std::string& help) {
    std::vector<std::string> names;
    for (const auto& [word, meaning] : words) names.push_back(word);
    const auto take = [words, names, name, &value](const std::string& typed) {
      for (const auto& [word, meaning] : words) {
        if (word != typed) continue;
        value = meaning;
        return;
      }
      throw CLI::ValidationError("--" + name,
                                 "expected " + join(names, " or ") + ", found " + printable(typed));
    };
    return finish(app_->add_option_function<std::string>(spellings(name), take, help))
        ->type_name(join(names, "|"))
        ->default_str(names[fallback]);
  }

 private:
  CLI::Option* finish(CLI::Option* option) {
    return option->group(title_)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }

  CLI::App* app_;
  std::string title_;
};

void add_picture_flags(CLI::App* app, Txt2ImgOptions* o) {
  Group group(app, "What to draw");
  group.option("prompt", o->prompt, "the words to draw", "TEXT")->capture_default_str();
  group.option("from-file", o->from_file,
               "draw the prompts of this file, one a line, instead of --prompt", "FILE");
  group.option("H", o->H, "height in pixels, a multiple of 64", "INT")
      ->default_str("512; the built-in model: 128");
  group.option("W", o->W, "width in pixels, a multiple of 64", "INT")
      ->default_str("512; the built-in model: 128");
  group.option("n_samples", o->n_samples, "pictures for each prompt at once (the batch)", "INT")
      ->capture_default_str();
  group.option("n_iter", o->n_iter, "draw every batch so many times", "INT")->capture_default_str();
  group.option("scale", o->scale, "guidance: how strongly the words lead; 1 is none", "FLOAT")
      ->capture_default_str();
}

void add_sampling_flags(CLI::App* app, Txt2ImgOptions* o) {
  Group group(app, "Sampling");
  group.option("ddim_steps", o->ddim_steps, "steps, of whichever sampler", "INT")
      ->capture_default_str();
  group.flag("plms", o->plms, "sample with PLMS instead of DDIM");
  group.flag("dpm_solver", o->dpm_solver, "sample with DPM-Solver++ 2M (wins over --plms)");
  group.option("ddim_eta", o->ddim_eta, "DDIM only: 0 deterministic, 1 as DDPM", "FLOAT")
      ->capture_default_str();
  app->add_option_function<std::string>(
         "--seed", [o](const std::string& text) { o->seed = parse_seed(text); },
         "where the random numbers start; the same seed and flags give the same picture")
      ->group("Sampling")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->type_name("INT")
      ->default_str("42");
  group.flag("fixed_code", o->fixed_code, "start every batch from the same noise");
  group.choice<RngKind>("rng", o->rng, {{"cuda", RngKind::kCuda}, {"cpu", RngKind::kCpu}}, 0,
                        "whose random numbers: those of an NVIDIA card (on any device), or of "
                        "torch's CPU generator");
}

void add_model_flags(CLI::App* app, Txt2ImgOptions* o) {
  Group group(app, "Model");
  group.option("ckpt", o->ckpt, "checkpoint, .ckpt or .safetensors", "FILE")
      ->default_str("models/ldm/stable-diffusion-v1/model.ckpt");
  group.option("config", o->config, "the model's YAML file", "FILE")
      ->default_str("configs/stable-diffusion/v1-inference.yaml");
  group.flag("laion400m", o->laion400m, "use the LAION-400M model at its default place");
  group.choice<WeightChoice>("weights", o->weights,
                             {{"config", WeightChoice::kConfig},
                              {"ema", WeightChoice::kEma},
                              {"plain", WeightChoice::kPlain}},
                             0,
                             "averaged (ema) or last (plain) weights of the UNet; config: as "
                             "use_ema of the YAML says");
  group.option("C", o->C, "channels of the latent", "INT")->capture_default_str();
  group.option("f", o->f, "pixels a latent value stands for, along each side", "INT")
      ->capture_default_str();
}

void add_output_flags(CLI::App* app, Txt2ImgOptions* o) {
  Group group(app, "Output");
  group.option("outdir", o->outdir, "folder for samples/00000.png … and grid-0000.png …", "DIR")
      ->capture_default_str()
      ->each([o](const std::string&) { o->outdir_given = true; });
  group.option("n_rows", o->n_rows, "pictures in a row of the grid; 0: n_samples", "INT")
      ->capture_default_str();
  group.flag("skip_grid", o->skip_grid, "write no grid of all pictures");
  group.flag("skip_save", o->skip_save, "write no single pictures");
  group.flag("no-watermark", o->no_watermark, "leave the invisible watermark out");
}

void add_device_flags(CLI::App* app, Txt2ImgOptions* o) {
  Group group(app, "Device");
  group.choice<Precision>("precision", o->device.precision,
                          {{"full", Precision::kFull}, {"autocast", Precision::kAutocast}}, 1,
                          "on the CPU both compute in float32");
  group.option("device", o->device.device, "auto, cpu, cuda or cuda:N", "NAME")
      ->capture_default_str();
  group.option("threads", o->device.threads, "threads; 0: as many as this process may use", "INT")
      ->capture_default_str();
  group.choice<KernelChoice>("kernels", o->device.kernels,
                             {{"auto", KernelChoice::kAuto},
                              {"aten", KernelChoice::kAten},
                              {"avx2", KernelChoice::kAvx2},
                              {"avx512", KernelChoice::kAvx512}},
                             0,
                             "the fastest kernels that the processor has, plain ATen everywhere, "
                             "or none beyond these instructions");
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

void add_txt2img_flags(CLI::App* app, Txt2ImgOptions* options) {
  add_picture_flags(app, options);
  add_sampling_flags(app, options);
  add_model_flags(app, options);
  add_output_flags(app, options);
  add_device_flags(app, options);
}

std::shared_ptr<CLI::Formatter> help_formatter() {
  auto formatter = std::make_shared<OneSpellingFormatter>();
  formatter->column_width(34);
  return formatter;
}

uint64_t parse_seed(const std::string& text) {
  const char* end = text.data() + text.size();
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  uint64_t positive = 0;
  auto parsed = std::from_chars(text.data() + (plus ? 1 : 0), end, positive);
  if (parsed.ec == std::errc() && parsed.ptr == end) return positive;
  int64_t negative = 0;
  parsed = std::from_chars(text.data(), end, negative);
  if (parsed.ec == std::errc() && parsed.ptr == end) return static_cast<uint64_t>(negative);
  throw Error(ErrorKind::kUsage,
              "--seed must be a whole number of 64 bits, found '" + printable(text, 60) + "'",
              "the reference's range is 0 to 4294967295");
}

}  // namespace sd
