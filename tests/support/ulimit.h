#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

namespace sd::test {

/// A limit of this process's, and so of those it starts, while the object lives.
class Ulimit {
 public:
  Ulimit(__rlimit_resource resource, rlim_t most) : resource_(resource) {
    ::getrlimit(resource, &before_);
    const struct rlimit limit = {std::min(most, before_.rlim_max), before_.rlim_max};
    EXPECT_EQ(::setrlimit(resource, &limit), 0);
  }
  ~Ulimit() { ::setrlimit(resource_, &before_); }
  Ulimit(const Ulimit&) = delete;
  Ulimit& operator=(const Ulimit&) = delete;

 private:
  __rlimit_resource resource_;
  struct rlimit before_ = {};
};

}  // namespace sd::test
