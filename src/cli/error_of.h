#pragma once

#include <exception>

#include "sd/error.h"

namespace sd::cli {

/// What any exception is to the user: an Error is itself; a lack of memory, of the processor or of
/// a card, or of threads is kDevice, as is a card's own trouble; all else is a bug, kInternal. The
/// message is one line, with names of settings between `…`.
Error error_of(const std::exception_ptr& thrown);

/// Whether it is an error of a card, after which this process can compute on no card any more. (A
/// lack of memory is not one.)
bool ends_use_of_card(const std::exception_ptr& thrown);

}  // namespace sd::cli
