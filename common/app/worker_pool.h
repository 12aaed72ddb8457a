#pragma once
// A few threads that run tasks in the order of submission.

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace semcodec {

class WorkerPool {
 public:
  /// `prepare` runs first in each thread.
  explicit WorkerPool(
      int threads, const std::function<void()>& prepare = [] {}) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, prepare] {
        prepare();
        run();
      });
    }
  }
  /// Drops what has not begun (its futures throw broken_promise) and waits for what has.
  ~WorkerPool() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
      tasks_.clear();
    }
    filled_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// The result, or what the task throws, comes with the future.
  template <typename Task>
  std::future<std::invoke_result_t<Task>> submit(Task task) {
    auto packaged =
        std::make_shared<std::packaged_task<std::invoke_result_t<Task>()>>(std::move(task));
    auto result = packaged->get_future();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      tasks_.emplace_back([packaged] { (*packaged)(); });
    }
    filled_.notify_one();
    return result;
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      filled_.wait(lock, [this] { return ended_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<std::function<void()>> tasks_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace semcodec
