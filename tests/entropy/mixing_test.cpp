#include "common/entropy/mixing.h"

#include <gtest/gtest.h>

#include "common/core/hash.h"
#include "common/entropy/context_mixer.h"
#include "common/entropy/frame_coder.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec::entropy {
namespace {

using test::Numbers;
using Weights = std::array<std::array<std::int32_t, kInputs>, kGroups>;

void fill(MixWork& work, Weights& weights, Numbers& numbers, bool extreme) {
  const auto any = [&](int limit) {
    if (extreme) return numbers.below(2) == 0 ? -limit : limit;
    return numbers.below(2 * limit + 1) - limit;
  };
  for (auto& x : work.x) x = any(2559);
  for (auto& gain : work.gain) gain = any(38400);
  for (std::size_t g = 0; g < weights.size(); ++g) {
    for (auto& w : weights[g]) w = any(kWeightMax);
    work.weights[g] = weights[g].data();
  }
}

// Where the machine has no vector loops both are the plain ones.
TEST(MixKernels, AllGiveTheSameNumbers) {
  Numbers numbers(4);
  for (int trial = 0; trial < 4000; ++trial) {
    MixWork plain;
    Weights plain_weights{};
    fill(plain, plain_weights, numbers, trial % 3 == 0);
    MixWork fast = plain;
    Weights fast_weights = plain_weights;
    for (std::size_t g = 0; g < fast_weights.size(); ++g) {
      fast.weights[g] = fast_weights[g].data();
    }
    kPlainKernels.mix(plain);
    best_kernels().mix(fast);
    ASSERT_EQ(plain.sum, fast.sum);
    kPlainKernels.train(plain);
    best_kernels().train(fast);
    ASSERT_EQ(plain_weights, fast_weights);
  }
}

TEST(MixKernels, StreamsAreTheSame) {
  const auto bytes = [] {
    FrameEncoder encoder(192, 128);
    std::vector<std::uint8_t> all;
    for (int t = 0; t < 12; ++t) {
      const auto chunk = encoder.encode(test::scene_frame(t, test::SampleShape{}, t == 0));
      all.insert(all.end(), chunk.begin(), chunk.end());
    }
    return all;
  };
  const auto fast = bytes();
  ContextMixer::use_kernels(kPlainKernels);
  const auto plain = bytes();
  ContextMixer::use_kernels(best_kernels());
  EXPECT_EQ(fast, plain);
}

}  // namespace
}  // namespace semcodec::entropy
