#pragma once

#include <exception>

#include "sd/error.h"

namespace sd::cli {

/// What any exception is to the user: an Error is itself; a lack of memory, of the processor or of
/// a card, is kDevice; all else is a bug, kInternal. The message is one line, with names of
/// settings between `…`.
Error error_of(const std::exception_ptr& thrown);

}  // namespace sd::cli
