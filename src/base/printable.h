#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// What may reach a terminal. `printable` itself is in strings.h: it escapes, byte by byte, invalid
// UTF-8, control characters (C0 and C1), format characters (marks that turn the direction of
// writing, joiners), line and paragraph separators, and what Unicode has not assigned.

namespace sd {

/// `printable` of each line, without a limit: line breaks stay.
std::string printable_lines(std::string_view text);

/// JSON text with the characters that `printable` escapes as \uNNNN: it means what it meant.
std::string printable_json(std::string_view json);

/// The text whose `printable` this is, as far as that can be told: each \xNN becomes its byte.
std::string unprintable(std::string_view shown);

/// Length of the well-formed UTF-8 sequence that `text` starts with, or 0.
size_t utf8_sequence_length(std::string_view text);

}  // namespace sd
