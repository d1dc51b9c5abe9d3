#include "pipeline/stage_progress.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/expect_error.h"
#include "support/fake_card.h"

namespace sd::test {
using namespace pipeline;

namespace {

TEST(StageProgress, TellsOfACardsStepsWhenItHasDoneThoseTwoBefore) {
  const FakeCard card;
  const ProgressFn tell = [&](const ProgressEvent& event) {
    card.asked.push_back("tell " + std::to_string(event.step));
    return true;
  };
  StageProgress stage(tell, Stage::kSample, 3, c10::Device(c10::kCUDA, 1));
  for (int step = 0; step < 3; ++step) stage.step_done();
  stage.finish();
  EXPECT_EQ(card.asked,
            (std::vector<std::string>{"tell 0", "record 1", "tell 1", "record 2", "tell 2",
                                      "record 3", "wait 1", "tell 3", "wait 3"}));
}

TEST(StageProgress, StopsWhereTheCallerWantsNoMore) {
  int told = 0;
  const ProgressFn tell = [&](const ProgressEvent&) { return ++told < 2; };
  StageProgress stage(tell, Stage::kSample, 3);
  expect_error(ErrorKind::kCancelled, "cancelled", [&] { stage.step_done(); });
}

}  // namespace
}  // namespace sd::test
