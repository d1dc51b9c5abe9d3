#pragma once

#include <memory>

#include "models/model_config.h"
#include "models/text_encoder.h"
#include "text/tokenizer.h"

namespace sd {

/// What a text family needs beside the config: its row in the table of families.
struct Family {
  TextFamily text;
  const char* name;       ///< as messages and `sd inspect` call it
  const char* tokenizer;  ///< data file of its vocabulary
  std::unique_ptr<Tokenizer> (*make_tokenizer)(const std::filesystem::path& file);
  std::unique_ptr<const TextEncoder> (*make_text_encoder)(const WeightView& view,
                                                          const ModelConfig& config,
                                                          const KernelPolicy& kernels);
};

const Family& family_of(const ModelConfig& config);

/// The family's tokenizer, with its vocabulary from the program's data files.
std::unique_ptr<Tokenizer> make_tokenizer(const ModelConfig& config);

}  // namespace sd
