// The context mixer at every level of the CPU's kernels.

#include <gtest/gtest.h>

#include "common/entropy/frame_coder.h"
#include "tests/cpu/levels.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec::entropy {
namespace {

TEST(ContextMixer, EveryLevelGivesTheSameStream) {
  const auto bytes = [](cpu::Level level) {
    const HeldToLevel held(level);
    FrameEncoder encoder(192, 128);
    std::vector<std::uint8_t> all;
    for (int t = 0; t < 12; ++t) {
      const auto chunk = encoder.encode(test::scene_frame(t, test::SampleShape{}, t == 0));
      all.insert(all.end(), chunk.begin(), chunk.end());
    }
    return all;
  };
  const auto lowest = bytes(cpu::levels().front());
  for (const cpu::Level level : cpu::levels()) {
    EXPECT_EQ(bytes(level), lowest) << cpu::name_of(level);
  }
}

}  // namespace
}  // namespace semcodec::entropy
