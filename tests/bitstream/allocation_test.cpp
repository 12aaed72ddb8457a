// What happens when memory runs out at any one allocation: an exception, nothing else. The global
// operator new of this program fails at the n-th call, for every n that a run makes.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <new>

#include "common/core/error.h"
#include "common/packets/packet_receiver.h"
#include "common/packets/packet_sender.h"
#include "tests/bitstream/sample_streams.h"

namespace {

std::int64_t calls_left = -1;  // until one fails; below 0: none does

void* allocate(std::size_t size) {
  if (calls_left > 0 && --calls_left == 0) return nullptr;
  return std::malloc(size == 0 ? 1 : size);
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace semcodec {
namespace {

using test::Bytes;

/// Runs `body` with the 1st, 2nd, 3rd ... allocation failing, until none does any more; beyond the
/// first thousand only some. Returns how often it was run.
template <typename Body>
int fail_everywhere(Body body) {
  int runs = 0;
  for (std::int64_t n = 1;; n += n < 1000 ? 1 : 37) {
    ++runs;
    bool failed = true;
    calls_left = n;
    try {
      body();
      failed = calls_left == 0;
      calls_left = -1;
    } catch (const std::bad_alloc&) {
      calls_left = -1;
    } catch (const Error& error) {
      calls_left = -1;
      EXPECT_NE(error.kind(), ErrorKind::internal) << error.what();
    }
    if (!failed) return runs;
  }
}

TEST(AllocationFailure, ReadingAStream) {
  const auto frames = test::sample_coded_frames(4, 2, 2, test::tiny_shape());
  const auto recorded = test::record(test::sample_info(), frames, true);
  const int runs = fail_everywhere([&] { test::read_all(recorded.bytes); });
  EXPECT_GT(runs, 100);
  // And afterwards all is as before.
  EXPECT_TRUE(test::read_all(recorded.bytes).frames == frames);
}

TEST(AllocationFailure, WritingAStream) {
  const auto frames = test::sample_coded_frames(4, 2, 2, test::tiny_shape());
  EXPECT_GT(fail_everywhere([&] { test::record(test::sample_info(), frames, true); }), 100);
}

TEST(AllocationFailure, Packets) {
  const auto frames = test::sample_coded_frames(4, 2, 2, test::tiny_shape());
  const auto send = [&] {
    std::vector<PacketBytes> packets;
    PacketOptions options;
    options.size = 64;
    options.fec = 0.5;
    PacketSender sender(options, 1, [&](std::span<const std::uint8_t> packet, double) {
      packets.emplace_back(packet.begin(), packet.end());
    });
    StreamWriter writer([&](std::span<const std::uint8_t> bytes) { sender.write(bytes); },
                        test::sample_info());
    for (const SemanticFrame& frame : frames) writer.write(frame);
    writer.finish();
    sender.finish();
    return packets;
  };
  EXPECT_GT(fail_everywhere([&] { send(); }), 100);
  auto packets = send();
  packets.erase(packets.begin() + 2);
  EXPECT_GT(fail_everywhere([&] {
              PacketReceiver receiver;
              for (const auto& packet : packets) receiver.push(packet);
              receiver.finish();
              receiver.take();
            }),
            10);
}

}  // namespace
}  // namespace semcodec
