// How graphs are recorded, on a stand-in for the card that writes down what is asked of it.

#include "runtime/graph_recorder.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>

#include "runtime/card_memory.h"

namespace sd::test {
using namespace runtime;

namespace {

using Lines = std::vector<std::string>;

/// What a card was asked, and what it is to fail at.
struct Story {
  Lines asked;
  std::string fails_at;
  unsigned long long pools = 0;
};

class Replay final : public Recording {
 public:
  explicit Replay(Story* story) : story_(*story) {}
  void replay() override { story_.asked.emplace_back("replay"); }

 private:
  Story& story_;
};

/// Whether another thread could record now.
bool is_free() {
  bool free = false;
  std::thread([&] {
    free = recording_lock().try_lock();
    if (free) recording_lock().unlock();
  }).join();
  return free;
}

class WrittenDown final : public GraphCard {
 public:
  explicit WrittenDown(Story* story) : story_(*story) {}

  c10::MempoolId_t new_pool() override { return {0, ++story_.pools}; }
  void on_side_stream(const std::function<void()>& work) override {
    ask("aside");
    EXPECT_TRUE(is_free());
    work();
  }
  void give_kept_memory_back() override {
    EXPECT_FALSE(is_free());
    ask("give back");
  }
  void begin(const c10::MempoolId_t& pool) override {
    EXPECT_FALSE(is_free());
    ask("begin " + std::to_string(pool.second));
  }
  std::unique_ptr<Recording> end() override {
    ask("end");
    return std::make_unique<Replay>(&story_);
  }
  void drop(const c10::MempoolId_t& pool) noexcept override {
    EXPECT_FALSE(is_free());
    story_.asked.push_back("drop " + std::to_string(pool.second));
  }

 private:
  void ask(const std::string& what) {
    story_.asked.push_back(what);
    TORCH_CHECK(what != story_.fails_at, what, " fails");
  }

  Story& story_;
};

class GraphRecorderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Recording> record() {
    story_.asked.clear();
    return recorder_([this] { work(); });
  }

  /// What is recorded; at its `fails_at_run`th run it goes wrong.
  void work() {
    story_.asked.emplace_back("work");
    if (++runs_ == fails_at_run_) throw std::runtime_error("stopped");
  }

  Story story_;
  Recorder recorder_ = graph_recorder(std::make_unique<WrittenDown>(&story_));
  int runs_ = 0;
  int fails_at_run_ = 0;
};

TEST_F(GraphRecorderTest, RecordsAfterOneRunWhoseMemoryIsGivenBack) {
  const auto recording = record();
  EXPECT_EQ(story_.asked, (Lines{"aside", "work", "give back", "begin 1", "work", "end"}));
  recording->replay();
  EXPECT_EQ(story_.asked.back(), "replay");
  EXPECT_TRUE(is_free());
}

TEST_F(GraphRecorderTest, SharesMemoryAmongRecordingsAndTakesOtherOnceTheyAreGone) {
  auto first = record();
  const auto second = record();
  EXPECT_EQ(story_.asked[3], "begin 1");
  first.reset();
  auto third = record();
  EXPECT_EQ(story_.asked[3], "begin 1") << "the second is still there";
}

TEST_F(GraphRecorderTest, TakesNoMemoryUpAgainThatWasLet) {
  record();  // and at once gone
  const Recorder copy = recorder_;
  const auto kept = record();
  EXPECT_EQ(story_.asked[3], "begin 2");
  story_.asked.clear();
  copy([this] { work(); });
  EXPECT_EQ(story_.asked[3], "begin 2") << "a recorder's copies share its memory";
}

TEST_F(GraphRecorderTest, DropsWhatGoesWrong) {
  fails_at_run_ = 2;  // while it is recorded
  EXPECT_THROW(record(), std::runtime_error);
  EXPECT_EQ(story_.asked, (Lines{"aside", "work", "give back", "begin 1", "work", "drop 1"}));
  EXPECT_TRUE(is_free());
  for (const char* place : {"begin 2", "end"}) {
    story_.fails_at = place;
    EXPECT_THROW(record(), c10::Error);
    EXPECT_EQ(story_.asked.back(), "drop " + std::to_string(story_.pools)) << place;
    EXPECT_TRUE(is_free());
  }
  story_.fails_at.clear();
  EXPECT_NE(record(), nullptr);
  EXPECT_EQ(story_.asked[3], "begin 4");
}

TEST_F(GraphRecorderTest, DropsNothingWhereNothingWasBegun) {
  fails_at_run_ = 1;
  EXPECT_THROW(record(), std::runtime_error);
  EXPECT_EQ(story_.asked, (Lines{"aside", "work"}));
}

TEST_F(GraphRecorderTest, KeepsTheMemoryOfOthersWhereOneGoesWrong) {
  const auto kept = record();
  fails_at_run_ = runs_ + 2;
  EXPECT_THROW(record(), std::runtime_error);
  EXPECT_EQ(story_.asked.back(), "drop 1");
  record();
  EXPECT_EQ(story_.asked[3], "begin 1");
}

}  // namespace
}  // namespace sd::test
