#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "cuda/card.h"
#include "sd/options.h"

namespace sd::test {

/// A precision on a card, and how far it may lead from float32 on the processor: the root of the
/// mean square of the difference over that of the result. Half and bfloat16 round to 11 and 8 bits.
struct OnCard {
  const char* flag;
  Precision precision;
  double of_one_call;  ///< a network called once
  double of_a_run;     ///< the latents of a short run, which multiplies what is lost
};

/// Those that the machine's first card has.
inline std::vector<OnCard> precisions_of_card() {
  std::vector<OnCard> found = {{"full", Precision::kFull, 1e-5, 1e-3},
                               {"autocast", Precision::kAutocast, 1e-2, 0.1}};
  if (host().cuda[0].major >= 8) found.push_back({"bf16", Precision::kBf16, 6e-2, 0.3});
  return found;
}

/// Infinite where a value is not a number.
inline double relative_difference(const at::Tensor& x, const at::Tensor& expected) {
  const at::Tensor wide = expected.to(at::kCPU, at::kDouble);
  const double found = ((x.to(at::kCPU, at::kDouble) - wide).norm() / wide.norm()).item<double>();
  return std::isnan(found) ? INFINITY : found;
}

/// Checks it, and writes it down where --gtest_output goes.
inline void expect_near(const std::string& what, const at::Tensor& x, const at::Tensor& expected,
                        double most) {
  ASSERT_EQ(x.sizes(), expected.sizes()) << what;
  const double found = relative_difference(x, expected);
  EXPECT_LE(found, most) << what;
  testing::Test::RecordProperty(what, std::to_string(found));
}

}  // namespace sd::test
