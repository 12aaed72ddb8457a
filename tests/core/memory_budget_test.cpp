#include "semcodec/memory_budget.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

namespace semcodec {
namespace {

TEST(MemoryBudget, IsNeverExceeded) {
  MemoryBudget budget(100);
  auto first = budget.take(60);
  ASSERT_TRUE(first);
  EXPECT_FALSE(budget.take(41));
  EXPECT_FALSE(budget.take(std::numeric_limits<std::uint64_t>::max()));
  auto second = budget.take(40);
  EXPECT_TRUE(second);
  EXPECT_EQ(budget.used(), 100u);
  EXPECT_TRUE(budget.take(0));
  first.reset();
  EXPECT_EQ(budget.used(), 40u);
}

TEST(MemoryBudget, AMovedShareCountsOnce) {
  MemoryBudget budget(100);
  std::vector<MemoryShare> kept;
  kept.push_back(std::move(*budget.take(30)));
  kept.push_back(std::move(*budget.take(50)));
  EXPECT_EQ(budget.used(), 80u);
  kept.front() = MemoryShare();
  EXPECT_EQ(budget.used(), 50u);
  kept.clear();
  EXPECT_EQ(budget.used(), 0u);
}

TEST(MemoryBudget, AShareMayOutliveItsBudget) {
  MemoryShare share;
  {
    MemoryBudget budget(10);
    share = std::move(*budget.take(10));
  }
  EXPECT_EQ(share.bytes(), 10u);
}

TEST(MemoryBudget, ThreadsShareIt) {
  MemoryBudget budget(1000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        const auto share = budget.take(400);
        EXPECT_LE(budget.used(), 1000u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace semcodec
