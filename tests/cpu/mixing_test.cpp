// The loops of the context mixer at every level against plain ones, number by number.

#include "common/cpu/mixing.h"

#include <algorithm>
#include <random>

#include "tests/cpu/levels.h"

namespace semcodec::cpu {
namespace {

using Weights = std::array<std::array<std::int32_t, kInputs>, kGroups>;

class Mixing : public LevelTest {
 protected:
  /// Anything within ±limit; only the ends if `extreme`.
  std::int32_t any(std::int32_t limit, bool extreme) {
    if (extreme) return random_() % 2 == 0 ? -limit : limit;
    return std::uniform_int_distribution<std::int32_t>(-limit, limit)(random_);
  }
  void fill(MixWork& work, Weights& weights, bool extreme) {
    for (auto& x : work.x) x = any(2559, extreme);
    for (auto& gain : work.gain) gain = any(38400, extreme);
    for (std::size_t g = 0; g < weights.size(); ++g) {
      for (auto& w : weights[g]) w = any(kWeightMax, extreme);
      work.weights[g] = weights[g].data();
    }
  }

  std::mt19937 random_{4};
};

TEST_P(Mixing, GivesTheNumbersOfPlainLoops) {
  const MixKernels& kernels = mix_kernels();
  for (int trial = 0; trial < 4000; ++trial) {
    MixWork work;
    Weights weights{};
    fill(work, weights, trial % 3 == 0);
    std::array<std::int32_t, kGroups> sums{};
    Weights after = weights;
    for (std::size_t g = 0; g < weights.size(); ++g) {
      for (std::size_t i = 0; i < work.x.size(); ++i) {
        sums[g] += (weights[g][i] >> 4) * work.x[i];
        const std::int32_t step = (work.x[i] * work.gain[g] + (1 << 13)) >> 14;
        after[g][i] = std::clamp(weights[g][i] + step, -kWeightMax, kWeightMax);
      }
      sums[g] >>= 12;
    }
    kernels.mix(work);
    ASSERT_EQ(work.sum, sums);
    kernels.train(work);
    ASSERT_EQ(weights, after);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, Mixing, every_level(), level_name);

}  // namespace
}  // namespace semcodec::cpu
