#pragma once

#include <filesystem>
#include <string_view>

// All that the program prints on stdout goes through here. What cannot be written is remembered,
// and told at the end by `finish_output`.

namespace sd {

/// Puts something that fails in the place of a standard file that is closed, so that no file which
/// is opened later becomes stdout. Call it before any file is opened.
void hold_standard_files();

/// Prints the text, sooner or later, as `printable_lines` shows it.
void print(std::string_view text);

/// Prints JSON, a line break behind it, as `printable_json` shows it.
void print_json(std::string_view json);

/// Prints the path and a line break, at once. Scripts get its bytes as they are, a terminal what is
/// printable of them.
void print_path(const std::filesystem::path& path);

/// Sends off what was printed so far.
void flush_output();

/// Whether something could not be written: what follows is lost, too.
bool output_failed();

/// Whether whoever read stdout has gone: a pipe without its other end.
bool reader_gone();

/// The exit code where nobody reads any more what the program prints: a shell's for SIGPIPE.
inline constexpr int kReaderGone = 141;

/// At the end of a command: the exit code, which is 0 if all could be written, and kReaderGone if
/// nobody reads it. Throws Error(kFile) if something could not be written.
int finish_output();

}  // namespace sd
