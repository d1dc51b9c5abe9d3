#pragma once

#include <string_view>

#include "weights/formats/contents.h"

namespace sd::weights {

/// True for a zip archive.
bool is_torch_zip(std::string_view file);

/// Reads what torch.save has written since version 1.6: a zip archive, among whose records
/// are data.pkl and one a storage. Records that an archiver has deflated are read, too. Throws
/// kCheckpoint if the archive or its pickle is damaged; damaged tensors are listed among the
/// problems.
CheckpointContents read_torch_zip(std::string_view file);

}  // namespace sd::weights
