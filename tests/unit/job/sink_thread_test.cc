// Pictures go to a sink beside the drawing: all of them, in order, and what the sink throws comes
// back.

#include "job/sinks/sink_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "job/settings_rows/jobs.h"
#include "sd/error.h"
#include "support/expect_error.h"

namespace sd::test {
using namespace job;

namespace {

/// Notes the places that it is given; fails at one of them.
class NotingSink final : public PictureSink {
 public:
  explicit NotingSink(int64_t fails_at = -1) : fails_at_(fails_at) {}

  void add(FinishedPicture picture) override {
    while (held) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (picture.place == fails_at_) throw Error(ErrorKind::kFile, "the disk is full");
    places.push_back(picture.place);
    ++count;
  }
  void finish() override { finished = true; }

  std::vector<int64_t> places;
  std::atomic<int64_t> count = 0;
  std::atomic<bool> held = false;
  bool finished = false;

 private:
  int64_t fails_at_;
};

FinishedPicture picture(int64_t place) { return {place, Image(64, 64), std::nullopt}; }

TEST(SinkThread, GivesTheSinkAllPicturesInOrder) {
  for (const size_t most : {0, 1, 3, 100}) {
    NotingSink sink;
    SinkThread thread(&sink, most);
    std::vector<int64_t> expected;
    for (int64_t place = 0; place < 20; ++place) {
      thread.add(picture(place));
      expected.push_back(place);
    }
    thread.finish();
    EXPECT_EQ(sink.places, expected) << most;
    EXPECT_TRUE(sink.finished);
  }
}

TEST(SinkThread, HoldsNoMoreThanItIsAllowed) {
  NotingSink sink;
  sink.held = true;
  SinkThread thread(&sink, 2);
  std::atomic<int64_t> added = 0;
  std::thread adder([&] {
    for (int64_t place = 0; place < 4; ++place) {
      thread.add(picture(place));
      ++added;
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LE(added, 2);
  sink.held = false;
  adder.join();
  thread.finish();
  EXPECT_EQ(sink.count, 4);
}

TEST(SinkThread, ThrowsWhatTheSinkThrew) {
  for (const size_t most : {0, 1, 8}) {
    NotingSink sink(2);
    SinkThread thread(&sink, most);
    expect_error(ErrorKind::kFile, "the disk is full", [&] {
      for (int64_t place = 0; place < 100; ++place) thread.add(picture(place));
      thread.finish();
    });
    EXPECT_EQ(sink.places, std::vector<int64_t>({0, 1}));
    EXPECT_FALSE(sink.finished);
  }
}

TEST(SinkThread, LeavesNothingBehindWhereNobodyFinishes) {
  NotingSink sink;
  {
    SinkThread thread(&sink, 8);
    for (int64_t place = 0; place < 5; ++place) thread.add(picture(place));
  }
  EXPECT_EQ(sink.count, 5);
  EXPECT_FALSE(sink.finished);
}

TEST(Sinks, AreFoundByTheirNames) {
  for (const std::string& name : sink_names()) EXPECT_EQ(find_sink(name).name, name);
  expect_error(ErrorKind::kUsage, "there is no sink 'attic'", [] { find_sink("attic"); });
}

}  // namespace
}  // namespace sd::test
