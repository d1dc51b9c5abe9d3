#pragma once

#include <optional>
#include <string>

#include "models/families.h"
#include "weights/checkpoint.h"

namespace sd::models {

/// What an error calls a file that was given for something else, and what to do with it.
struct FileClass {
  std::optional<FileUse> use;  ///< nothing: no name tells
  std::string what;            ///< "an autoencoder alone"
  std::string way;             ///< "give it with `vae`"
};

/// What to do with a file that is for that.
std::string way_of(FileUse use);

/// What the file is by the names in it: a row of the table of families, an adapter, or an
/// embedding. `asked`: what it was given as, which did not fit.
FileClass classify(const weights::Checkpoint& file, FileUse asked);

}  // namespace sd::models
