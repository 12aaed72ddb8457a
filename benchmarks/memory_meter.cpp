#include "benchmarks/memory_meter.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <atomic>
#include <memory>
#include <utility>

namespace semcodec {

namespace {

std::atomic<std::int64_t> now{0}, peak{0};

/// A block of the allocator underneath, with its size.
struct Block {
  c10::DataPtr data;
  std::int64_t size;
};

void release(void* context) {
  const std::unique_ptr<Block> block(static_cast<Block*>(context));
  now -= block->size;
}

/// torch's own allocator, with a count.
class Meter : public c10::Allocator {
 public:
  explicit Meter(c10::Allocator* inner) : inner_(inner) {}
  c10::DataPtr allocate(std::size_t size) override {
    auto block =
        std::make_unique<Block>(Block{inner_->allocate(size), static_cast<std::int64_t>(size)});
    const std::int64_t sum = now += block->size;
    for (std::int64_t most = peak; sum > most && !peak.compare_exchange_weak(most, sum);) {
    }
    void* data = block->data.get();
    const auto device = block->data.device();
    return {data, block.release(), &release, device};
  }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    default_copy_data(to, from, count);
  }

 private:
  c10::Allocator* inner_;
};

}  // namespace

void start_memory_meter() {
  static Meter meter(c10::GetCPUAllocator());
  c10::SetCPUAllocator(&meter, /*priority=*/100);
}

std::int64_t memory_now() { return now; }

std::int64_t take_memory_peak() { return peak.exchange(now); }

}  // namespace semcodec
