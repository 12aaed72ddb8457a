#pragma once
// A bounded queue between the threads of a pipeline.
//
// Any number of producers and consumers. Producers wait while it is full, consumers while it is
// empty. The stream ends in one of three ways:
//   close()   once per producer: consumers take what is left, then pop() returns nothing;
//   fail(e)   by any producer: consumers take what is left, then pop() throws e;
//   cancel()  by a consumer: what is left is dropped, push() returns false, pop() nothing.

#include <cassert>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace semcodec {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity, int producers = 1)
      : capacity_(capacity), producers_(producers) {
    assert(capacity > 0 && producers > 0);
  }
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  /// Waits for room. False when the queue is closed, failed or cancelled: the item was not taken
  /// and the producer may stop.
  [[nodiscard]] bool push(T item) {
    std::unique_lock<std::mutex> lock(mutex_);
    room_.wait(lock, [this] { return ended_ || items_.size() < capacity_; });
    if (ended_) return false;
    items_.push_back(std::move(item));
    lock.unlock();
    filled_.notify_one();
    return true;
  }

  /// Does not wait: false, and the item stays where it is, when there is no room or the queue has
  /// ended.
  [[nodiscard]] bool try_push(T& item) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (ended_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(item));
    }
    filled_.notify_one();
    return true;
  }

  bool ended() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ended_;
  }

  /// Waits for an item. Nothing at the end; throws what fail() was given.
  std::optional<T> pop() {
    std::unique_lock<std::mutex> lock(mutex_);
    filled_.wait(lock, [this] { return ended_ || !items_.empty(); });
    if (items_.empty()) {
      if (error_) std::rethrow_exception(error_);
      return std::nullopt;
    }
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    lock.unlock();
    room_.notify_one();
    return item;
  }

  /// One producer is done. The queue ends when all have said so.
  void close() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (--producers_ > 0) return;
      ended_ = true;
    }
    wake_all();
  }

  /// A producer died of `error`; the first one counts.
  void fail(std::exception_ptr error) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!error_ && !cancelled_) error_ = std::move(error);
      ended_ = true;
    }
    wake_all();
  }

  /// The consumer wants no more.
  void cancel() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = cancelled_ = true;
      error_ = nullptr;
      items_.clear();
    }
    wake_all();
  }

  std::size_t size() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return items_.size();
  }
  std::size_t capacity() const { return capacity_; }

 private:
  void wake_all() {
    filled_.notify_all();
    room_.notify_all();
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable room_, filled_;
  std::deque<T> items_;
  std::exception_ptr error_;
  int producers_;
  bool ended_ = false;
  bool cancelled_ = false;
};

}  // namespace semcodec
