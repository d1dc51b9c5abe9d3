#include <fmt/core.h>

#include <filesystem>
#include <map>
#include <memory>

#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "cli/flag_group.h"
#include "job/lora_folder.h"
#include "job/lora_text.h"
#include "job/model_choice.h"
#include "models/adapters/adapter_library.h"
#include "models/convert_layout.h"
#include "models/model_source.h"
#include "weights/convert.h"
#include "weights/weight_view.h"

namespace sd::cli {
namespace {

/// Whether OUT means a folder: it has no ending.
bool is_folder_name(const std::string& out) {
  return std::filesystem::path(out).extension().empty();
}

struct ConvertFlags {
  std::string in;
  std::string out;
  std::vector<std::string> loras;  // FILE[:UNET[:TE]]
  std::string lora_dir = Settings().lora_dir;
  std::string config;
  weights::ConvertOptions options;
};

/// From a folder, or to one.
bool changes_layout(const ConvertFlags& flags) {
  std::error_code ignored;
  return std::filesystem::is_directory(flags.in, ignored) || is_folder_name(flags.out);
}

std::vector<LoraUse> given_adapters(const ConvertFlags& flags) {
  std::vector<LoraUse> given;
  for (const std::string& text : flags.loras) given.push_back(job::parse_lora(text));
  return job::loras_of(given, "", job::LoraFolder(flags.lora_dir));
}

weights::ConvertResult convert_layout(const ConvertFlags& flags) {
  Settings run;
  run.ckpt = flags.in;
  run.config = flags.config;
  run.vae = job::kOwnVae;
  run.weights = flags.options.ema ? WeightChoice::kEma : WeightChoice::kPlain;
  const job::ChosenModel model = job::choose_model(run);
  const models::ModelSource plain = models::open_model(model.paths, model.description.config);
  models::AdapterLibrary adapters(plain.config);
  const models::ModelSource source = adapters.adapted(plain, given_adapters(flags));
  if (!is_folder_name(flags.out)) return models::write_one_file(source, flags.out, flags.options);
  notice("the tokenizer is not written: it is that of openai/clip-vit-large-patch14");
  return models::write_diffusers_folder(source, flags.out, flags.options);
}

/// The adapters as edits of the checkpoint's weights.
void add_adapters(const ConvertFlags& flags, weights::ConvertOptions* options) {
  Settings settings;
  settings.ckpt = flags.in;
  settings.config = flags.config;
  const models::ModelSource source = models::open_model(job::choose_model(settings).paths);
  models::AdapterLibrary adapters(source.config);
  options->edits = adapters.adapted(source, given_adapters(flags)).text.edits;
  std::map<std::string, std::string> names;
  const models::LayerNames known(source.config);
  for (const models::AdaptedLayer& layer : known.layers()) {
    if (!layer.is_text) continue;
    for (const char* leaf : {".weight", ".bias"}) {
      names.emplace(source.text.name_in_file(layer.name + leaf), layer.name + leaf);
    }
  }
  options->reference_name = [names](std::string_view name) {
    const auto found = names.find(std::string(name));
    return found == names.end() ? std::string(name) : found->second;
  };
}

int run_convert(const ConvertFlags& flags) {
  if (changes_layout(flags)) {
    const weights::ConvertResult result = convert_layout(flags);
    notice(fmt::format("{} tensors, {}", result.tensors, human_bytes(result.bytes)));
    print_path(flags.out);
    return 0;
  }
  const auto checkpoint = weights::open_checkpoint(flags.in);
  weights::ConvertOptions options = flags.options;
  if (!flags.loras.empty()) add_adapters(flags, &options);
  const weights::ConvertResult result = weights::convert_checkpoint(checkpoint, flags.out, options);
  if (result.left_out > 0) {
    notice(fmt::format("left out: the UNet's {} weights, {} tensors (--weights {} takes them)",
                       flags.options.ema ? "last" : "averaged", result.left_out,
                       flags.options.ema ? "plain" : "ema"));
  }
  notice(fmt::format("{} tensors, {}", result.tensors, human_bytes(result.bytes)));
  print_path(flags.out);
  return 0;
}

}  // namespace

void add_convert_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand(
      "convert", "write a checkpoint's weights to a new file, smaller and quick to load");
  auto flags = std::make_shared<ConvertFlags>();
  command->add_option("IN", flags->in, "checkpoint to read, or a folder in diffusers' layout")
      ->required();
  command
      ->add_option("OUT", flags->out,
                   "file to write, .safetensors or .ckpt; without an extension, a folder in "
                   "diffusers' layout")
      ->required();
  FlagGroup group(command, "What to write");
  group.text("config", flags->config,
             "from or to a folder: the model's YAML file, if the default does not fit", "FILE");
  group.choice<std::optional<at::ScalarType>>(
      "dtype", flags->options.dtype,
      {{"keep", std::nullopt}, {"fp32", at::kFloat}, {"fp16", at::kHalf}}, 0,
      "precision of the networks' weights");
  group.choice<bool>("weights", flags->options.ema, {{"plain", false}, {"ema", true}}, 0,
                     "last (plain) or averaged (ema) weights of the UNet");
  group.texts("lora", flags->loras, "an adapter to bake into the weights; may be repeated",
              "FILE[:UNET[:TE]]");
  group.text("lora-dir", flags->lora_dir, "folder of the adapters that are given by name", "DIR");
  command->callback([flags, run] { *run = [flags] { return run_convert(*flags); }; });
}

}  // namespace sd::cli
