#include "models/adapters/adapter_purpose.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/log.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd::models {
namespace {

/// What models of a kind have in the names of their layers.
struct Sign {
  std::string_view part;
  const char* model;
};

constexpr Sign kSigns[] = {
    {"lora_te2_", "Stable Diffusion XL"},
    {"text_encoder_2", "Stable Diffusion XL"},
    {"transformer_blocks_1_", "Stable Diffusion XL"},
    {"transformer_blocks.1.", "Stable Diffusion XL"},
    {"text_model_encoder_layers_13_", "Stable Diffusion 2"},
    {"text_model.encoder.layers.13.", "Stable Diffusion 2"},
    {"single_blocks", "Flux"},
    {"single_transformer_blocks", "Flux"},
    {"double_blocks", "Flux"},
    {"joint_blocks", "Stable Diffusion 3"},
    {"context_block", "Stable Diffusion 3"},
    {"add_q_proj", "Stable Diffusion 3"},
    {"lora_te3_", "Stable Diffusion 3"},
    {"motion_modules", "a video model (AnimateDiff)"},
    {"temporal_transformer", "a video model (AnimateDiff)"},
    {"cross_attn_norm", "a video model (Wan)"},
    {"blocks.0.cross_attn", "a video model (Wan)"},
    {"blocks_0_cross_attn", "a video model (Wan)"},
    {"attn_temp", "a video model"},
    {"caption_projection", "PixArt"},
    {"lora_prior_", "Stable Cascade"},
    {"cap_embedder", "Lumina"},
    {"noise_refiner", "Lumina"},
    {"transformer.transformer_blocks", "a transformer model (Stable Diffusion 3, PixArt, Qwen)"},
    {"lora_transformer_", "a transformer model (Flux, Stable Diffusion 3)"},
};

/// Models whose layers read texts of this width.
struct TextWidth {
  int64_t width;
  const char* model;
};

constexpr TextWidth kWidths[] = {{768, "Stable Diffusion 1"},
                                 {1024, "Stable Diffusion 2"},
                                 {2048, "Stable Diffusion XL"},
                                 {1280, "latent-diffusion, or the refiner of XL"}};

const char* model_by_names(const AdapterFile& file) {
  for (const Sign& sign : kSigns) {
    const bool found = std::any_of(file.layers.begin(), file.layers.end(), [&](const auto& layer) {
      return layer.first.find(sign.part) != std::string::npos;
    });
    if (found) return sign.model;
  }
  return nullptr;
}

/// Whether a layer's keys or values are of the text.
bool reads_text(const std::string& layer) {
  return layer.find("attn2") != std::string::npos &&
         (layer.find("to_k") != std::string::npos || layer.find("to_v") != std::string::npos);
}

/// The width of the text that the adapter's layers read; 0: it changes none of these.
int64_t text_width(const AdapterFile& file) {
  for (const auto& [name, parts] : file.layers) {
    if (!reads_text(name) || !parts.has(AdapterRole::kDown)) continue;
    const AdapterShape down = parts.shape(AdapterRole::kDown);
    if (down.size() >= 2) return down[1];
  }
  return 0;
}

int64_t text_width(const LayerNames& names) {
  for (const AdaptedLayer& layer : names.layers()) {
    if (reads_text(layer.name) && layer.weight.size() == 2) return layer.weight[1];
  }
  return 0;
}

const char* model_of_width(int64_t width) {
  for (const TextWidth& one : kWidths) {
    if (one.width == width) return one.model;
  }
  return nullptr;
}

/// Whether all layers that read the text are of another width.
bool reads_another_text(const Adapter& adapter, int64_t width) {
  const int64_t found = text_width(adapter.file());
  if (found == 0 || width == 0 || found == width) return false;
  return std::none_of(adapter.modules().begin(), adapter.modules().end(), [](const auto& module) {
    return !module.layer.is_text && reads_text(module.layer.name);
  });
}

/// Whether it has layers of this model, and all of them are unusable.
bool is_unusable(const Adapter& adapter) {
  return adapter.modules().empty() && !adapter.misfits().empty();
}

/// What the file is for, in words: by its names, its sizes, what is wrong with all of its layers,
/// or what it says of itself.
std::string purpose(const Adapter& adapter, int64_t width) {
  if (const char* model = model_by_names(adapter.file())) return std::string("one for ") + model;
  if (reads_another_text(adapter, width)) {
    const int64_t found = text_width(adapter.file());
    const char* model = model_of_width(found);
    return fmt::format("one for models that read texts of width {}{}{}", found,
                       model == nullptr ? "" : ": ", model == nullptr ? "" : model);
  }
  if (is_unusable(adapter)) {
    return fmt::format("{} of its layers, none of which can be used: {}", adapter.misfits().size(),
                       adapter.misfits().front());
  }
  const std::string trained = trained_on(adapter.file());
  return trained.empty() ? "none of the layers of this model" : "one trained on " + trained;
}

bool mentions(std::string text, std::string_view word) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.find(word) != std::string::npos;
}

/// Adapters for few steps, by a word in their title or name, which may have two spellings.
struct FewSteps {
  std::array<std::string_view, 2> words;
  const char* advice;
  std::array<std::string_view, 2> samplers;  ///< those that follow it
  double most_scale;                         ///< that does
};

constexpr FewSteps kFewSteps[] = {
    {{"lcm", "lcm"},
     "an LCM adapter: draw with `sampler` lcm, 4 to 8 `steps` and `scale` 1 to 2",
     {"lcm", "diffusers_lcm"},
     2},
    {{"tcd", "tcd"},
     "a TCD adapter: draw with `sampler` tcd, 4 to 8 `steps` and `scale` 1",
     {"tcd"},
     1.5},
    {{"hyper-sd", "hyper_sd"},
     "a Hyper-SD adapter: draw with `sampler` ddim_trailing, as many `steps` as its name says "
     "(1, 2, 4, 8) and `scale` 1",
     {"ddim_trailing", "tcd"},
     1.5},
};

/// What the header says of LCM steps, or "".
std::string lcm_steps(const AdapterFile& file) { return printable(file.metadata("lcm.steps"), 20); }

/// The row of an adapter, or null.
const FewSteps* few_steps_of(const AdapterFile& file) {
  if (!lcm_steps(file).empty()) return &kFewSteps[0];
  for (const FewSteps& one : kFewSteps) {
    for (const std::string& text :
         {file.metadata("modelspec.title"), file.metadata("ss_output_name"), file.name()}) {
      if (mentions(text, one.words[0]) || mentions(text, one.words[1])) return &one;
    }
  }
  return nullptr;
}

bool follows(const DrawnWith& drawn, const FewSteps& advice) {
  constexpr int64_t kFew = 16;
  const bool fits = std::find(advice.samplers.begin(), advice.samplers.end(), drawn.sampler) !=
                    advice.samplers.end();
  return fits && drawn.steps <= kFew && drawn.scale >= 0 && drawn.scale <= advice.most_scale;
}

}  // namespace

void require_purpose(const Adapter& adapter, const LayerNames& names) {
  const int64_t width = text_width(names);
  const size_t fit = adapter.modules().size();
  const size_t others = adapter.misfits().size() + adapter.unmatched().size();
  const bool is_of_others = fit == 0 || reads_another_text(adapter, width) ||
                            (fit < others && model_by_names(adapter.file()) != nullptr);
  if (!is_of_others) return;
  for (const std::string& line : adapter.misfits()) detail(line);
  for (const std::string& name : adapter.unmatched()) {
    detail(printable(name) + ": not in this model");
  }
  throw Error(ErrorKind::kCheckpoint,
              printable(adapter.file().path()) + ": expected an adapter for this model, found " +
                  purpose(adapter, width),
              is_unusable(adapter)
                  ? "the file is damaged, or was trained on a model of another kind"
                  : "give an adapter that was trained on a model of this kind");
}

std::string trained_on(const AdapterFile& file) {
  std::string base = file.metadata("ss_base_model_version");
  if (base.empty()) base = file.metadata("modelspec.architecture");
  const std::string model = file.metadata("ss_sd_model_name");
  if (base.empty()) return printable(model, 60);
  const bool is_named = !model.empty() && model != "None";
  return printable(base, 60) + (is_named ? " (" + printable(model, 60) + ")" : "");
}

std::string suggestion(const AdapterFile& file) {
  if (const std::string steps = lcm_steps(file); !steps.empty()) {
    return "an LCM adapter: draw with `sampler` lcm, `steps` " + steps + " and `scale` " +
           printable(file.metadata("lcm.guidance_scale"), 20);
  }
  const FewSteps* few = few_steps_of(file);
  return few == nullptr ? "" : few->advice;
}

std::string suggestion(const AdapterFile& file, const DrawnWith& drawn) {
  const FewSteps* few = few_steps_of(file);
  return few == nullptr || follows(drawn, *few) ? "" : suggestion(file);
}

}  // namespace sd::models
