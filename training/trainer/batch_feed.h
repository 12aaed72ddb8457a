#pragma once
// The batches of a run, made ahead by worker threads.

#include <torch/torch.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "common/app/bounded_queue.h"

namespace semcodec {

/// Workers fill one queue each, and the steps take from them in turn: the order of the batches then
/// does not depend on which worker is faster.
template <typename Batch>
class BatchFeed {
 public:
  /// The batch of a step; called by all workers at once, each with one torch thread of its own.
  using Draw = std::function<Batch(std::int64_t step)>;

  /// Makes the batches of the steps first … end − 1.
  BatchFeed(Draw draw, std::int64_t first, std::int64_t end, int workers)
      : draw_(std::move(draw)), first_(first), end_(end), count_(workers) {
    for (int w = 0; w < count_; ++w) queues_.push_back(std::make_unique<BoundedQueue<Batch>>(2));
    for (int w = 0; w < count_; ++w) workers_.emplace_back([this, w] { work(w); });
  }
  ~BatchFeed() {
    for (auto& queue : queues_) queue->cancel();
    for (auto& worker : workers_) worker.join();
  }
  BatchFeed(const BatchFeed&) = delete;
  BatchFeed& operator=(const BatchFeed&) = delete;

  /// To be asked for the steps in their order, each once. Throws what the draw threw.
  Batch batch_of(std::int64_t step) {
    return queues_[static_cast<std::size_t>((step - first_) % count_)]->pop().value();
  }

 private:
  void work(int w) {
    at::set_num_threads(1);
    auto& queue = *queues_[static_cast<std::size_t>(w)];
    try {
      for (std::int64_t step = first_ + w; step < end_; step += count_) {
        if (!queue.push(draw_(step))) return;
      }
      queue.close();
    } catch (...) {
      queue.fail(std::current_exception());
    }
  }

  Draw draw_;
  std::int64_t first_, end_;
  int count_;
  std::vector<std::unique_ptr<BoundedQueue<Batch>>> queues_;
  std::vector<std::thread> workers_;
};

}  // namespace semcodec
