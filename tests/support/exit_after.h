#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "sd/error.h"

namespace sd::test {

/// Does the work, and ends the process: with the exit code of the Error that is thrown, whose
/// message goes to stderr, else with 0. For EXPECT_EXIT.
[[noreturn]] inline void exit_after(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::_Exit(error.exit_code());
  }
  std::_Exit(0);
}

}  // namespace sd::test
