#pragma once

#include <gtest/gtest.h>

#include <string>

#include "sd/error.h"

namespace sd::test {

/// Runs `action`, which must throw an sd::Error of this kind whose message holds `part`.
template <typename Action>
void expect_error(ErrorKind kind, const std::string& part, Action action) {
  try {
    action();
    ADD_FAILURE() << "expected an error that says \"" << part << "\", found none";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

}  // namespace sd::test
