// The noise schedule and the timesteps of DDIM and PLMS, for every step count there is.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "sampling/noise_schedule.h"
#include "support/expect_error.h"

namespace sd::test {
using namespace sampling;

namespace {

NoiseSchedule v1_schedule() { return NoiseSchedule::linear(0.00085, 0.012, 1000); }

std::vector<int64_t> timesteps(int64_t steps) {
  return make_ddim_schedule(v1_schedule(), steps, 0).timesteps;
}

TEST(NoiseSchedule, IsTheReferencesLinearOne) {
  const NoiseSchedule schedule = v1_schedule();
  ASSERT_EQ(schedule.timesteps(), 1000);
  // make_beta_schedule and cumprod in float64 give these.
  EXPECT_FLOAT_EQ(schedule.alphas_cumprod()[0], 0.99915F);
  EXPECT_FLOAT_EQ(schedule.alphas_cumprod()[1], 0.99829603F);
  EXPECT_FLOAT_EQ(schedule.alphas_cumprod()[499], 0.27766965F);
  EXPECT_FLOAT_EQ(schedule.alphas_cumprod()[999], 0.0046600985F);
}

TEST(NoiseSchedule, IsStretchedToEndInNoiseAsDiffusersDoes) {
  // rescale_zero_terminal_snr of diffusers 0.35.1, but for the last.
  const NoiseSchedule schedule = v1_schedule().with_zero_snr();
  const auto& alphas = schedule.alphas_cumprod();
  EXPECT_NEAR(alphas[0], 0.99915F, 1e-6);
  EXPECT_NEAR(alphas[100], 0.88676107F, 1e-6);
  EXPECT_NEAR(alphas[500], 0.24101865F, 1e-6);
  EXPECT_NEAR(alphas[900], 0.00296039F, 1e-7);
  EXPECT_NEAR(alphas[998], 1.9678924e-07F, 1e-9);
  EXPECT_EQ(alphas[999], 4.8973451890853435e-08F);
}

TEST(NoiseSchedule, RefusesWhatIsNoShareOfVariance) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {0.0F, -0.5F, 1.5F, nan}) {
    expect_error(ErrorKind::kCheckpoint, "alphas_cumprod[1]", [&] {
      NoiseSchedule({0.9F, bad, 0.1F});
    });
  }
  expect_error(ErrorKind::kCheckpoint, "fewer than two", [] { NoiseSchedule({0.5F}); });
}

TEST(DdimSchedule, HasTheReferencesTimesteps) {
  const auto of_50 = timesteps(50);
  ASSERT_EQ(of_50.size(), 50U);
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(of_50[i], static_cast<int64_t>(20 * i + 1));
  EXPECT_EQ(timesteps(1), std::vector<int64_t>({1}));
  EXPECT_EQ(timesteps(6), std::vector<int64_t>({1, 167, 333, 499, 665, 831, 997}));
  EXPECT_EQ(timesteps(30).size(), 31U);
  EXPECT_EQ(timesteps(30).back(), 991);
  EXPECT_EQ(timesteps(3), std::vector<int64_t>({1, 334, 667, 999}));  // the reference fails at 1000
}

TEST(DdimSchedule, TakesTheStepCountsThatTheReferenceFailsOn) {
  std::set<int64_t> failing = {3, 9, 27, 36, 37};
  for (int64_t s = 101; s <= 111; ++s) failing.insert(s);
  for (int64_t s = 251; s <= 333; ++s) failing.insert(s);
  for (int64_t s = 501; s <= 1000; ++s) failing.insert(s);
  ASSERT_EQ(failing.size(), 599U);
  for (int64_t s = 1; s <= 1000; ++s) {
    EXPECT_EQ(ddim_step_count(1000, s).past_the_end, failing.count(s) == 1) << s;
    if (failing.count(s) == 1) {
      EXPECT_EQ(timesteps(s).back(), 999) << s;
    }
  }
}

TEST(DdimSchedule, IsValidForEveryStepCount) {
  const NoiseSchedule schedule = v1_schedule();
  for (const double eta : {0.0, 1.0}) {
    for (int64_t s = 1; s <= 1000; ++s) {
      SCOPED_TRACE(s);
      const DdimSchedule ddim = make_ddim_schedule(schedule, s, eta);
      const int64_t stride = 1000 / s;
      ASSERT_EQ(ddim.size(), (1000 + stride - 1) / stride);
      ASSERT_EQ(ddim.size(), ddim_step_count(1000, s).actual);
      ASSERT_EQ(ddim.timesteps.front(), 1);
      for (size_t i = 0; i < ddim.timesteps.size(); ++i) {
        ASSERT_LE(ddim.timesteps[i], 999);
        ASSERT_EQ(ddim.alphas[i],
                  schedule.alphas_cumprod()[static_cast<size_t>(ddim.timesteps[i])]);
        ASSERT_EQ(ddim.alphas_prev[i], i == 0 ? schedule.alphas_cumprod()[0] : ddim.alphas[i - 1]);
        ASSERT_FLOAT_EQ(ddim.sqrt_one_minus_alphas[i], std::sqrt(1.0F - ddim.alphas[i]));
        const double a = ddim.alphas[i];
        const double previous = ddim.alphas_prev[i];
        const double sigma = eta * std::sqrt((1 - previous) / (1 - a) * (1 - a / previous));
        ASSERT_NEAR(ddim.sigmas[i], sigma, 2e-6);
        ASSERT_GE(1.0F - ddim.alphas_prev[i] - ddim.sigmas[i] * ddim.sigmas[i], 0.0F);
      }
    }
  }
}

TEST(DdimSchedule, RefusesStepCountsAndEtasThatHaveNoSchedule) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  for (const int64_t steps : {int64_t{0}, int64_t{-1}, int64_t{1001}, kMost, -kMost - 1}) {
    expect_error(ErrorKind::kUsage, "from 1 to 1000, found " + std::to_string(steps),
                 [&] { make_ddim_schedule(v1_schedule(), steps, 0); });
  }
  for (const double eta : {5.0, -5.0, std::nan(""), HUGE_VAL}) {
    expect_error(ErrorKind::kUsage, "`eta`", [&] { make_ddim_schedule(v1_schedule(), 50, eta); });
  }
}

}  // namespace
}  // namespace sd::test
