#include "runtime/profile.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace sd {
using namespace runtime;

namespace {

class ProfileTest : public ::testing::Test {
 protected:
  void TearDown() override { stop_profile(); }
};

void sleep_ms(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

TEST_F(ProfileTest, TimesNothingUntilItIsStarted) {
  int asked = 0;
  const auto flop = [&] { return ++asked; };
  { const Zone zone("early", flop); }
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(current_profile().zones.empty());
  start_profile();
  { const Zone zone("timed", flop); }
  stop_profile();
  { const Zone zone("late", flop); }
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(current_profile().zones.empty());
}

TEST_F(ProfileTest, SumsVisitsByPlace) {
  start_profile();
  for (int i = 0; i < 3; ++i) {
    const Zone outer("outer");
    {
      const Zone inner("inner", [] { return 5; });
    }
    const SizeZone size(64, 96);
    const Zone inner("inner", [] { return 7; });
    sleep_ms(2);
  }
  { const Zone inner("inner"); }
  const Profile profile = current_profile();
  ASSERT_EQ(profile.zones.size(), 5U);
  const char* names[] = {"outer", "inner", "64x96", "inner", "inner"};
  const int depths[] = {0, 1, 1, 2, 0};
  const int calls[] = {3, 3, 3, 3, 1};
  const double flop[] = {36, 15, 21, 21, 0};
  for (size_t i = 0; i < 5; ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(profile.zones[i].name, names[i]);
    EXPECT_EQ(profile.zones[i].depth, depths[i]);
    EXPECT_EQ(profile.zones[i].calls, calls[i]);
    EXPECT_EQ(profile.zones[i].flop, flop[i]);
  }
}

TEST_F(ProfileTest, SelfTimesAddUpToNoMoreThanTheWhole) {
  start_profile();
  {
    const Zone outer("outer");
    sleep_ms(3);
    const Zone inner("inner");
    sleep_ms(5);
  }
  const Profile profile = current_profile();
  ASSERT_EQ(profile.zones.size(), 2U);
  EXPECT_GE(profile.zones[0].self_seconds, 0.003);
  EXPECT_GE(profile.zones[1].self_seconds, 0.005);
  EXPECT_DOUBLE_EQ(profile.zones[0].self_seconds,
                   profile.zones[0].seconds - profile.zones[1].seconds);
  EXPECT_LE(profile.zones[0].self_seconds + profile.zones[1].self_seconds, profile.seconds);
}

TEST_F(ProfileTest, CountsAZoneThatIsStillOpen) {
  start_profile();
  const Zone outer("outer");
  sleep_ms(2);
  const Profile profile = current_profile();
  ASSERT_EQ(profile.zones.size(), 1U);
  EXPECT_GE(profile.zones[0].seconds, 0.002);
}

TEST_F(ProfileTest, LeavesOutWhatIsTimedAsAWhole) {
  start_profile();
  {
    const Zone whole("whole");
    const UntimedZones untimed;
    const Zone inner("inner", [] { return 5; });
  }
  { const Zone after("after"); }
  const Profile profile = current_profile();
  ASSERT_EQ(profile.zones.size(), 2U);
  EXPECT_EQ(profile.zones[0].name, "whole");
  EXPECT_EQ(profile.zones[0].flop, 0);
  EXPECT_EQ(profile.zones[1].name, "after");
}

TEST_F(ProfileTest, LeavesOtherThreadsAlone) {
  start_profile();
  std::thread([] { const Zone zone("elsewhere"); }).join();
  EXPECT_TRUE(current_profile().zones.empty());
}

}  // namespace
}  // namespace sd
