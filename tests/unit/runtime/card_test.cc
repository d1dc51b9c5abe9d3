// What is asked of a card through c10's tables, by a stand-in for it: no card is needed.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <thread>

#include "runtime/card_memory.h"
#include "runtime/computing.h"
#include "runtime/exec_policy.h"
#include "runtime/out_of_memory.h"
#include "runtime/profile.h"
#include "runtime/step_queue.h"
#include "support/fake_card.h"
#include "support/variable.h"

namespace sd::test {
using namespace runtime;

namespace {

using Lines = std::vector<std::string>;

const at::Device kSecond(at::kCUDA, 1);

TEST(Computing, MakesTheDeviceTheThreadsCurrentOne) {
  const FakeCard card;
  {
    const Computing computing(kSecond);
    EXPECT_EQ(card.getDevice(), kSecond);
    EXPECT_TRUE(c10::InferenceMode::is_enabled());
    const Computing on_processor(at::kCPU);
    EXPECT_EQ(card.getDevice(), kSecond);
  }
  EXPECT_EQ(card.getDevice(), at::Device(at::kCUDA, 0));
  EXPECT_FALSE(c10::InferenceMode::is_enabled());
}

TEST(StepQueue, WaitsForTheStepTwoBeforeAndAtTheEndForAll) {
  const FakeCard card;
  StepQueue queue(kSecond);
  for (int step = 0; step < 4; ++step) queue.step_given();
  EXPECT_EQ(card.asked,
            (Lines{"record 1", "record 2", "record 3", "wait 1", "record 4", "wait 2"}));
  card.asked.clear();
  queue.finish();
  EXPECT_EQ(card.asked, Lines{"wait 4"});
  queue.finish();
  EXPECT_EQ(card.asked, Lines{"wait 4"});
}

TEST(StepQueue, IsNothingOnTheProcessor) {
  const FakeCard card;
  StepQueue queue{at::Device(at::kCPU)};
  for (int step = 0; step < 4; ++step) queue.step_given();
  queue.finish();
  EXPECT_EQ(card.asked, Lines());
}

TEST(ProfileOfACard, WaitsForItWhereZonesBeginAndEnd) {
  const FakeCard card;
  start_profile();
  wait_at_zones(kSecond);
  { const Zone zone("work"); }
  EXPECT_EQ(card.asked, (Lines{"wait for all of card 1", "wait for all of card 1"}));
  stop_profile();
  start_profile();
  { const Zone zone("work"); }
  wait_at_zones(at::Device(at::kCPU));
  { const Zone zone("work"); }
  stop_profile();
  EXPECT_EQ(card.asked.size(), 2U);
}

TEST(ProfileOfACard, AWaitThatFailsEndsNoProgram) {
  start_profile();
  bool fails = false;
  wait_at_zones([&] {
    if (fails) throw std::runtime_error("the card is lost");
  });
  {
    const Zone zone("work");
    fails = true;
  }
  EXPECT_THROW(const Zone zone("work"), std::runtime_error);
  stop_profile();
}

TEST(CardMemory, IsGivenBackWhileNothingRecords) {
  FakeCard card;
  bool free_meanwhile = true;
  card.on_give_back = [&] {
    std::thread([&] {
      free_meanwhile = recording_lock().try_lock();
      if (free_meanwhile) recording_lock().unlock();
    }).join();
  };
  ExecPolicy policy;
  policy.device = kSecond;
  give_kept_memory_back(policy);
  EXPECT_EQ(card.asked, Lines{"give back"});
  EXPECT_FALSE(free_meanwhile);
}

TEST(CardMemory, IsToldByTheAllocator) {
  FakeCard card;
  card.free_bytes = 12345;
  EXPECT_EQ(free_on_card(kSecond), 12345);
}

/// LibTorch's switches can be set where no card is.
TEST(ApplyDevice, LeavesNothingToChanceOnACard) {
  at::Context& context = at::globalContext();
  ExecPolicy policy;
  policy.device = kSecond;
  context.setSDPUseCuDNN(true);
  apply_device(ExecPolicy());
  EXPECT_TRUE(context.userEnabledCuDNNSDP()) << "the processor's policy sets nothing";
  apply_device(policy);
  EXPECT_FALSE(context.userEnabledCuDNNSDP());
  EXPECT_FALSE(context.allowTF32CuBLAS());
  EXPECT_FALSE(context.allowTF32CuDNN());
  EXPECT_FALSE(context.benchmarkCuDNN());
  EXPECT_TRUE(context.deterministicCuDNN());
  {
    const Variable asked(kCudnnAttention, "1");
    apply_device(policy);
    EXPECT_TRUE(context.userEnabledCuDNNSDP());
  }
  apply_device(policy);
  EXPECT_FALSE(context.userEnabledCuDNNSDP());
}

}  // namespace
}  // namespace sd::test
