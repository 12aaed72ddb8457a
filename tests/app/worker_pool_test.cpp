#include "common/app/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

namespace semcodec {
namespace {

TEST(WorkerPool, ResultsAndErrorsComeWithTheFuture) {
  WorkerPool pool(3);
  std::vector<std::future<int>> results;
  for (int i = 0; i < 50; ++i) {
    results.push_back(pool.submit([i] {
      if (i == 7) throw std::runtime_error("seven");
      return i * i;
    }));
  }
  for (int i = 0; i < 50; ++i) {
    auto& result = results[static_cast<std::size_t>(i)];
    if (i == 7) {
      EXPECT_THROW(result.get(), std::runtime_error);
    } else {
      EXPECT_EQ(result.get(), i * i);
    }
  }
}

TEST(WorkerPool, PreparesEachThreadAndStartsInOrder) {
  std::atomic<int> prepared{0};
  std::vector<int> order;
  {
    WorkerPool pool(1, [&] { ++prepared; });
    std::vector<std::future<void>> done;
    for (int i = 0; i < 10; ++i) done.push_back(pool.submit([&, i] { order.push_back(i); }));
    for (auto& one : done) one.get();
  }
  EXPECT_EQ(prepared, 1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(WorkerPool, WhatHasNotBegunAtTheEndIsDropped) {
  std::future<int> late;
  {
    WorkerPool pool(1);
    std::promise<void> begun;
    auto first = pool.submit([&] {
      begun.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    });
    begun.get_future().wait();
    late = pool.submit([] { return 1; });
  }
  EXPECT_THROW(late.get(), std::future_error);
}

}  // namespace
}  // namespace semcodec
