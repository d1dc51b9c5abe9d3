#pragma once

#include <grp.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "support/exit_after.h"

namespace sd::test {

/// `exit_after`, as somebody who is not root.
[[noreturn]] inline void as_nobody(const std::function<void()>& work) {
  if (::geteuid() == 0 &&
      (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0)) {
    std::_Exit(99);
  }
  exit_after(work);
}

}  // namespace sd::test
