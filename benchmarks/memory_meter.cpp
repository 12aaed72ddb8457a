#include "benchmarks/memory_meter.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <unordered_map>

namespace semcodec {

namespace {

/// Sizes of the blocks in use. oneDNN takes raw pointers from the allocator and gives them back, so
/// the size cannot travel in the block's context.
struct Ledger {
  std::mutex mutex;
  std::unordered_map<void*, std::int64_t> sizes;
  std::int64_t now = 0, peak = 0;
};

Ledger& ledger() {
  static auto* one = new Ledger;  // tensors of other statics may outlive any that ends
  return *one;
}

void release(void* block) {
  if (block == nullptr) return;
  {
    auto& books = ledger();
    const std::lock_guard lock(books.mutex);
    const auto found = books.sizes.find(block);
    books.now -= found->second;
    books.sizes.erase(found);
  }
  std::free(block);
}

class Meter : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t size) override {
    void* block = nullptr;
    if (size > 0) {
      const std::size_t whole = (size + 63) / 64 * 64;
      block = std::aligned_alloc(64, whole);
      TORCH_CHECK(block != nullptr, "No memory for ", size, " bytes.");
      auto& books = ledger();
      const std::lock_guard lock(books.mutex);
      books.sizes[block] = static_cast<std::int64_t>(size);
      books.now += static_cast<std::int64_t>(size);
      books.peak = std::max(books.peak, books.now);
    }
    return {block, block, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    default_copy_data(to, from, count);
  }
};

}  // namespace

void start_memory_meter() {
  static auto* meter = new Meter;
  c10::SetCPUAllocator(meter, /*priority=*/100);
}

std::int64_t memory_now() {
  const std::lock_guard lock(ledger().mutex);
  return ledger().now;
}

std::int64_t take_memory_peak() {
  auto& books = ledger();
  const std::lock_guard lock(books.mutex);
  const auto most = books.peak;
  books.peak = books.now;
  return most;
}

}  // namespace semcodec
