#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "weights/formats/contents.h"

namespace sd::models {

/// How much of a part is stored in one dtype.
struct DtypeShare {
  std::string dtype;
  int64_t tensors = 0;
  int64_t parameters = 0;
  uint64_t bytes = 0;
};

/// One part of a model: the weights under a common prefix.
struct PartSummary {
  std::string name;  ///< "unet", "unet (averaged)", "autoencoder", "text encoder", "schedule", …
  std::string prefix;  ///< what its names start with
  int64_t tensors = 0;
  int64_t parameters = 0;
  uint64_t bytes = 0;
  std::vector<DtypeShare> dtypes;
};

/// Widths and depths read from tensor shapes; what cannot be read is absent.
struct ModelDims {
  std::optional<int64_t> model_channels;  ///< UNet
  std::optional<int64_t> context_dim;     ///< UNet cross attention
  std::optional<int64_t> in_channels;     ///< UNet
  std::optional<int64_t> autoencoder_channels;
  std::optional<int64_t> latent_channels;
  std::optional<int64_t> text_width;
  std::optional<int64_t> text_layers;
  std::optional<int64_t> vocabulary;
  std::optional<int64_t> vision_width;
  std::optional<int64_t> vision_layers;
  std::optional<int64_t> embedding_vectors;  ///< textual inversion: of text_width numbers each
};

/// What `sd inspect` tells of a file. No tensor data is read for it.
struct Inspection {
  std::string path;
  uint64_t file_bytes = 0;
  std::string format;
  std::string family;  ///< "sd-v1", "laion400m", "embedding", …, "unknown"
  ModelDims dims;
  std::vector<PartSummary> parts;
  std::string adapter;  ///< what an adapter holds; empty: it is none
  bool has_ema = false;
  std::vector<std::string> schedule_buffers;
  weights::CheckpointContents contents;
  std::optional<std::string> sha256;
};

/// Describes the file, problems included. Throws kFile if it cannot be read and kCheckpoint if its
/// format is not known or its index is damaged. `sha256` reads the whole file.
Inspection inspect_file(const std::string& path, bool sha256);

std::string to_text(const Inspection& inspection);
nlohmann::json to_json(const Inspection& inspection);

}  // namespace sd::models
