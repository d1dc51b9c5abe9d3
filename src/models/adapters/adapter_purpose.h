#pragma once

#include <string>

#include "models/adapters/adapter.h"

namespace sd::models {

/// Throws kCheckpoint, naming what the adapter is for, where none of its layers fits the model, or
/// where it is plainly made for another kind of model that shares some layers' names and shapes.
void require_purpose(const Adapter& adapter, const LayerNames& names);

/// What the file says it was trained on: "sd_v1 (animefull)"; "" where it says nothing.
std::string trained_on(const AdapterFile& file);

/// How pictures are drawn with an adapter.
struct DrawnWith {
  std::string sampler;  ///< a name of the table of samplers
  int64_t steps = 0;
  double scale = 0;
};

/// How an adapter for few steps wants to be drawn with: "`sampler` lcm, 4 to 8 `steps`, `scale` 1";
/// "" for another adapter. The file's header is asked first, then its name.
std::string suggestion(const AdapterFile& file);

/// That suggestion, or "" if the pictures are already drawn so.
std::string suggestion(const AdapterFile& file, const DrawnWith& drawn);

}  // namespace sd::models
