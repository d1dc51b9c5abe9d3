#pragma once

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "sd/error.h"

namespace sd::test {

/// Ends a fuzz target's program, which reports the input, unless `holds`.
inline void require(bool holds, const char* what = "a promise of the reader is broken") {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// Calls `read`. It may throw an sd::Error of one of these kinds and nothing else.
template <class Read>
void expect_error_kinds(std::initializer_list<ErrorKind> kinds, Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    bool expected = false;
    for (const ErrorKind kind : kinds) expected = expected || error.kind() == kind;
    require(expected, error.what());
  }
}

}  // namespace sd::test
