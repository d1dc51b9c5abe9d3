#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "models/model_config.h"
#include "models/text_encoder.h"
#include "models/yaml_params.h"
#include "text/tokenizer.h"

namespace sd::models {

/// What a text family of the models that are drawn with needs.
struct TextParts {
  TextFamily text;
  const char* target;                           ///< its class in the YAML's cond_stage_config
  const char* tokenizer;                        ///< data file of its vocabulary
  int64_t (*width)(const ModelConfig& config);  ///< of the context that it gives
  /// Reads the `params` of its class; `yaml` is the file that they stand in.
  void (*read_config)(Params params, const std::filesystem::path& yaml, ModelConfig* config);
  std::unique_ptr<text::Tokenizer> (*make_tokenizer)(const std::filesystem::path& file);
  std::unique_ptr<const TextEncoder> (*make_text_encoder)(const weights::WeightView& view,
                                                          const ModelConfig& config,
                                                          const runtime::KernelPolicy& kernels);
};

/// What a kind of file is for.
enum class FileUse {
  kNone,          ///< nothing here
  kModel,         ///< `ckpt`
  kPart,          ///< a part of a model, of which only the whole is of use
  kPartOfFolder,  ///< the same, of a diffusers folder
  kAdapter,
  kAutoencoder,
  kTaesd,
  kEmbedding,
  kSafetyChecker,
};

/// A kind of checkpoint: its row in the table of families.
struct Family {
  std::string_view name;                   ///< as `sd inspect` calls it
  std::vector<std::string_view> prefixes;  ///< each begins some tensor's name in it
  const TextParts* text = nullptr;         ///< null: known, but nothing is drawn with it
  std::string_view what = "";              ///< "a LoRA adapter": what an error calls such a file
  FileUse use = FileUse::kModel;           ///< what to do with one
};

/// All kinds; a file is of the first whose prefixes it has.
const std::vector<Family>& families();

/// The first family whose prefixes all begin some name, as `has_prefix` tells; null: none does.
const Family* find_family(const std::function<bool(std::string_view)>& has_prefix);

/// The family that a config's text encoder belongs to.
const Family& family_of(const ModelConfig& config);

/// The text family of that class. Throws kCheckpoint, naming those that there are.
const TextParts& text_parts_of(const std::string& target, const std::filesystem::path& yaml);

/// The family's tokenizer, with its vocabulary from the program's data files.
std::unique_ptr<text::Tokenizer> make_tokenizer(const ModelConfig& config);

}  // namespace sd::models
