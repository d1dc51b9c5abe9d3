#pragma once

#include <string_view>

#include "weights/formats/contents.h"

namespace sd {

/// True for a zip archive.
bool is_torch_zip(std::string_view file);

/// Reads what torch.save has written since version 1.6: a zip archive of stored records, among them
/// data.pkl and one record a storage. Throws kCheckpoint if the archive or its pickle is damaged;
/// tensors that cannot be loaded are listed among the problems.
CheckpointContents read_torch_zip(std::string_view file);

}  // namespace sd
