#pragma once
/// @file
//// @file
//// A stream that arrives in pieces, as from a network: pushed here, read by a StreamReader or
//// StreamDecoder in another thread.

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>

namespace semcodec {

/// Any thread may push; one reads. Outlives its reader. Holds what has not been read yet, without a
/// limit.
class BytePipe {
 public:
  void push(std::span<const std::uint8_t> bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    filled_.notify_one();
  }

  /// No more comes: the reader sees the end behind what was pushed.
  void close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    filled_.notify_one();
  }

  /// As StreamReader::Source: waits for bytes, fills `into` with some, returns how many; 0 is the
  /// end.
  std::size_t read(std::span<std::uint8_t> into) {
    std::unique_lock<std::mutex> lock(mutex_);
    filled_.wait(lock, [this] { return closed_ || !bytes_.empty(); });
    const auto count = std::min(into.size(), bytes_.size());
    const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(bytes_.begin(), end, into.begin());
    bytes_.erase(bytes_.begin(), end);
    return count;
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<std::uint8_t> bytes_;
  bool closed_ = false;
};

}  // namespace semcodec
