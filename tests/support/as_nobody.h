#pragma once

#include <grp.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "sd/error.h"

namespace sd::test {

/// Does the work as somebody who is not root, and ends the process: with the exit code of the Error
/// that is thrown, whose message goes to stderr, else with 0. For EXPECT_EXIT.
[[noreturn]] inline void as_nobody(const std::function<void()>& work) {
  if (::geteuid() == 0 &&
      (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0)) {
    std::_Exit(99);
  }
  try {
    work();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::_Exit(error.exit_code());
  }
  std::_Exit(0);
}

}  // namespace sd::test
