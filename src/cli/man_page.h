#pragma once

#include <span>
#include <string>

#include "cli/command_page.h"

namespace sd::cli {

/// An exit code of the program, and when it ends with it.
struct ExitCode {
  int code;
  const char* meaning;
};
std::span<const ExitCode> exit_codes();

/// "sd" or "sd-txt2img".
std::string man_name(const CommandPage& page);

/// The manual page of `page` in troff's man macros, UTF-8. `program`: for what it refers to.
std::string man_page(const CommandPage& page, const CommandPage& program);

}  // namespace sd::cli
