// Requests between the thread that reads them and the one that draws.

#include "cli/request_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace sd::test {
using namespace cli;

namespace {

using nlohmann::json;

class Queue : public ::testing::Test {
 protected:
  void add(const std::string& line) { queue_.add(parse_request(line)); }

  std::vector<json> cancelled_;
  std::vector<std::pair<json, int64_t>> answers_;
  std::vector<std::string> refused_;
  RequestQueue queue_{
      {.cancelled = [this](const json& id) { cancelled_.push_back(id); },
       .answered_cancel = [this](const json& id,
                                 int64_t requests) { answers_.emplace_back(id, requests); },
       .refused = [this](const std::string& problem) { refused_.push_back(problem); }}};
};

TEST_F(Queue, GivesRequestsInTheirOrder) {
  add(R"({"id": 1, "prompt": "a"})");
  add(R"({"prompt": "b"})");
  add("no JSON");
  queue_.end();
  const auto first = queue_.take();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->id, 1);
  EXPECT_EQ(first->members, json({{"prompt", "a"}}));
  EXPECT_TRUE(queue_.take()->id.is_null());
  EXPECT_NE(queue_.take()->problem, "");
  EXPECT_FALSE(queue_.take());
}

TEST_F(Queue, TakesAnIdAgainOnceItIsAnswered) {
  add(R"({"id": 1})");
  ASSERT_TRUE(queue_.take());
  add(R"({"id": 1})");  // it is being drawn
  EXPECT_NE(queue_.take()->problem, "");
  add(R"({"id": 1})");
  ASSERT_EQ(queue_.take()->problem, "");
  queue_.done();
  add(R"({"id": 1})");
  EXPECT_EQ(queue_.take()->problem, "");
}

TEST_F(Queue, CancelsWhatWaitsAndWhatIsDrawn) {
  add(R"({"id": "a"})");
  add(R"({"id": "b"})");
  ASSERT_TRUE(queue_.take());
  add(R"({"cancel": "b"})");
  EXPECT_FALSE(queue_.stopped());
  add(R"({"cancel": "a"})");
  EXPECT_TRUE(queue_.stopped());
  add(R"({"cancel": "c"})");
  EXPECT_EQ(cancelled_, (std::vector<json>{"b"}));
  EXPECT_EQ(answers_, (std::vector<std::pair<json, int64_t>>{{"b", 1}, {"a", 1}, {"c", 0}}));
  queue_.end();
  EXPECT_FALSE(queue_.take());
}

TEST_F(Queue, DropsWhatWaits) {
  add(R"({"id": 1})");
  add(R"({"prompt": "x"})");
  add(R"({"id": true})");
  add("no JSON");
  queue_.drop();
  EXPECT_EQ(cancelled_, (std::vector<json>{1, nullptr}));
  EXPECT_EQ(refused_, (std::vector<std::string>{"\"id\" must be a text or a whole number",
                                                "not a JSON object: no JSON"}));
}

TEST_F(Queue, HoldsNoMoreThanItsMost) {
  constexpr size_t kAll = RequestQueue::kMostWaiting + 100;
  std::thread reader([&] {
    for (size_t i = 0; i < kAll; ++i) add("{}");
    queue_.end();
  });
  size_t taken = 0;
  while (queue_.take()) ++taken;
  reader.join();
  EXPECT_EQ(taken, kAll);
  RequestQueue full({.cancelled = nullptr, .answered_cancel = nullptr});
  for (size_t i = 0; i < RequestQueue::kMostWaiting; ++i) full.add({});
  full.close();
  full.add({});  // does not wait for room that nobody makes
}

TEST_F(Queue, HoldsLongLinesByTheirBytes) {
  RequestQueue full({.cancelled = nullptr, .answered_cancel = nullptr});
  full.close();
  full.add({.bytes = RequestQueue::kMostBytes});
  full.add({.bytes = RequestQueue::kMostBytes});
  EXPECT_TRUE(full.take());
  EXPECT_TRUE(full.take());
}

}  // namespace
}  // namespace sd::test
