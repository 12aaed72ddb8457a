#include "common/app/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace semcodec {
namespace {

TEST(BoundedQueue, KeepsOrderAndEndsAfterClose) {
  BoundedQueue<int> queue(4);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.push(i));
  queue.close();
  EXPECT_FALSE(queue.push(9));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.pop(), i);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, WhoDoesNotWaitKeepsWhatHasNoRoom) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_TRUE(queue.try_push(first));
  EXPECT_FALSE(queue.try_push(second));
  ASSERT_TRUE(second);
  EXPECT_EQ(**queue.pop(), 1);
  EXPECT_TRUE(queue.try_push(second));
  EXPECT_FALSE(queue.ended());
  queue.close();
  EXPECT_TRUE(queue.ended());
  auto third = std::make_unique<int>(3);
  EXPECT_FALSE(queue.try_push(third));
  EXPECT_EQ(**queue.pop(), 2);
}

TEST(BoundedQueue, NeverHoldsMoreThanItsCapacity) {
  BoundedQueue<int> queue(3);
  std::atomic<int> pushed{0};
  std::thread producer([&] {
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(queue.push(i));
      ++pushed;
    }
    queue.close();
  });
  int popped = 0;
  while (queue.pop()) {
    EXPECT_LE(queue.size(), 3u);
    ++popped;
    // Capacity, one in the producer's hands between push() and its count, and none lost.
    EXPECT_LE(pushed.load(), popped + 4);
  }
  producer.join();
  EXPECT_EQ(popped, 200);
}

TEST(BoundedQueue, ManyProducersAndConsumersLoseNothing) {
  constexpr int kProducers = 4;
  constexpr int kEach = 500;
  BoundedQueue<int> queue(8, kProducers);
  std::vector<std::thread> threads;
  for (int p = 0; p < kProducers; ++p) {
    threads.emplace_back([&queue, p] {
      for (int i = 0; i < kEach; ++i) ASSERT_TRUE(queue.push(p * kEach + i));
      queue.close();
    });
  }
  std::vector<std::atomic<int>> seen(kProducers * kEach);
  for (int c = 0; c < 3; ++c) {
    threads.emplace_back([&] {
      while (const auto item = queue.pop()) ++seen[static_cast<std::size_t>(*item)];
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& count : seen) EXPECT_EQ(count.load(), 1);
}

TEST(BoundedQueue, CarriesAnExceptionBehindTheItems) {
  BoundedQueue<int> queue(4);
  ASSERT_TRUE(queue.push(1));
  queue.fail(std::make_exception_ptr(std::runtime_error("first")));
  queue.fail(std::make_exception_ptr(std::runtime_error("second")));
  EXPECT_FALSE(queue.push(2));
  EXPECT_EQ(queue.pop(), 1);
  for (int i = 0; i < 2; ++i) {
    try {
      queue.pop();
      FAIL() << "pop() did not throw";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "first");
    }
  }
}

TEST(BoundedQueue, CancelFreesAWaitingProducer) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  ASSERT_TRUE(queue.push(std::make_unique<int>(1)));
  std::atomic<bool> refused{false};
  std::thread producer([&] { refused = !queue.push(std::make_unique<int>(2)); });
  queue.cancel();
  producer.join();
  EXPECT_TRUE(refused);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, FailFreesAWaitingConsumer) {
  BoundedQueue<int> queue(1);
  std::thread consumer([&] { EXPECT_THROW(queue.pop(), std::runtime_error); });
  queue.fail(std::make_exception_ptr(std::runtime_error("gone")));
  consumer.join();
}

}  // namespace
}  // namespace semcodec
