#include "runtime/page_arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace sd {
using namespace runtime;

namespace {

constexpr size_t kPage = PageArena::kPage;

char* at(void* data) { return static_cast<char*>(data); }

TEST(PageArena, LendsTheLowestPlaceThatIsLargeEnough) {
  PageArena arena(16 * kPage);
  arena.set_keep(16 * kPage);
  void* a = arena.take(2 * kPage);
  void* b = arena.take(1);
  void* c = arena.take(3 * kPage + 1);
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % kPage, 0U);
  EXPECT_EQ(at(b), at(a) + 2 * kPage);
  EXPECT_EQ(at(c), at(a) + 3 * kPage);
  EXPECT_EQ(arena.in_use(), 7 * kPage);
  EXPECT_TRUE(arena.give_back(a));
  EXPECT_EQ(arena.take(3 * kPage), at(c) + 4 * kPage);  // a's place is too small
  EXPECT_TRUE(arena.give_back(b));
  EXPECT_EQ(arena.take(3 * kPage), a);  // with b's it is not
}

TEST(PageArena, JoinsPlacesOnBothSides) {
  PageArena arena(4 * kPage);
  arena.set_keep(4 * kPage);
  void* parts[4];
  for (void*& part : parts) part = arena.take(kPage);
  EXPECT_EQ(arena.take(1), nullptr);  // full
  for (const int i : {0, 2, 1, 3}) EXPECT_TRUE(arena.give_back(parts[i]));
  EXPECT_EQ(arena.take(4 * kPage), parts[0]);
}

TEST(PageArena, KnowsItsOwnBlocksOnly) {
  PageArena arena(4 * kPage);
  void* block = arena.take(2 * kPage);
  int other = 0;
  EXPECT_FALSE(arena.give_back(&other));
  EXPECT_FALSE(arena.give_back(at(block) + kPage));  // inside
  EXPECT_TRUE(arena.give_back(block));
  EXPECT_FALSE(arena.give_back(block));  // twice
}

TEST(PageArena, GivesTheHighestSurplusBackToTheSystem) {
  PageArena arena(8 * kPage);
  arena.set_keep(2 * kPage);
  char* block = at(arena.take(5 * kPage));
  std::memset(block, 1, 5 * kPage);
  EXPECT_EQ(arena.kept(), 0U);
  EXPECT_TRUE(arena.give_back(block));
  EXPECT_EQ(arena.kept(), 2 * kPage);
  ASSERT_EQ(arena.take(5 * kPage), block);
  EXPECT_EQ(block[2 * kPage - 1], 1);  // kept
  EXPECT_EQ(block[2 * kPage], 0);      // fresh
  EXPECT_TRUE(arena.give_back(block));
  arena.set_keep(0);
  EXPECT_EQ(arena.kept(), 0U);
}

TEST(PageArena, HoldsTogetherUnderManyBlocks) {
  PageArena arena(64 * kPage);
  arena.set_keep(10 * kPage);
  std::mt19937 random(1);
  std::vector<std::pair<char*, size_t>> blocks;  // with their pages; marked at both ends
  size_t in_use = 0;
  for (int i = 0; i < 2000; ++i) {
    const size_t pages = 1 + random() % 9;
    char* block = random() % 2 == 0 ? at(arena.take(pages * kPage)) : nullptr;
    if (block != nullptr) {
      block[0] = block[pages * kPage - 1] = static_cast<char>(i);
      in_use += pages * kPage;
      blocks.emplace_back(block, pages);
    } else if (!blocks.empty()) {
      const size_t which = random() % blocks.size();
      const auto [data, length] = blocks[which];
      ASSERT_EQ(data[0], data[length * kPage - 1]);  // nobody else wrote there
      ASSERT_TRUE(arena.give_back(data));
      in_use -= length * kPage;
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(which));
    }
    ASSERT_EQ(arena.in_use(), in_use);
    ASSERT_LE(arena.kept(), 10 * kPage);
  }
}

TEST(PageArena, LendsNothingWithoutAddresses) {
  PageArena none(kPage - 1);
  EXPECT_EQ(none.take(1), nullptr);
  PageArena impossible(size_t{1} << 60);
  EXPECT_EQ(impossible.take(1), nullptr);
}

}  // namespace
}  // namespace sd
