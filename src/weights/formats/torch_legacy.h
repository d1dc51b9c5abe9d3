#pragma once

#include <string_view>

#include "weights/formats/contents.h"

namespace sd::weights {

/// True for a stream that begins with a pickle of torch's magic number.
bool is_torch_legacy(std::string_view file);

/// Reads what torch.save wrote before version 1.6: pickles of a magic number, a protocol version,
/// facts about the machine, the object, and the keys of its storages, then the storages in that
/// order, each as its length and its elements. Throws kCheckpoint if the stream is damaged.
CheckpointContents read_torch_legacy(std::string_view file);

/// True for a tar archive, which torch.save wrote before version 0.1.10 and which is not read.
bool is_torch_tar(std::string_view file);

/// Throws kCheckpoint, saying how to convert the file.
[[noreturn]] CheckpointContents refuse_torch_tar(std::string_view file);

}  // namespace sd::weights
