#pragma once
/// @file
/// One limit on the memory that data may take while they wait for somebody, wherever they wait.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace semcodec {

/// Part of a budget; gives it back when it goes. Movable, and may outlive its budget.
class MemoryShare {
 public:
  MemoryShare() = default;
  MemoryShare(MemoryShare&& other) noexcept
      : used_(std::move(other.used_)), bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryShare& operator=(MemoryShare&& other) noexcept {
    std::swap(used_, other.used_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MemoryShare() {
    if (used_) used_->fetch_sub(bytes_);
  }

  std::uint64_t bytes() const { return bytes_; }

 private:
  friend class MemoryBudget;
  MemoryShare(std::shared_ptr<std::atomic<std::uint64_t>> used, std::uint64_t bytes)
      : used_(std::move(used)), bytes_(bytes) {}

  std::shared_ptr<std::atomic<std::uint64_t>> used_;
  std::uint64_t bytes_ = 0;
};

/// Threads may take and give back at the same time.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t limit) : limit_(limit) {}

  /// Nothing when that would exceed the limit.
  std::optional<MemoryShare> take(std::uint64_t bytes) {
    std::uint64_t used = used_->load();
    do {
      if (bytes > limit_ || used > limit_ - bytes) return std::nullopt;
    } while (!used_->compare_exchange_weak(used, used + bytes));
    return MemoryShare(used_, bytes);
  }

  std::uint64_t limit() const { return limit_; }
  std::uint64_t used() const { return used_->load(); }

 private:
  std::uint64_t limit_;
  std::shared_ptr<std::atomic<std::uint64_t>> used_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace semcodec
