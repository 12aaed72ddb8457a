#pragma once
// Cells whose whole surroundings say the same, now and in the coded frame before: one adaptive
// probability a context, without any mixing. They are the most and cost next to nothing, and this
// is several times as fast.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/entropy/binary_coder.h"

namespace semcodec::entropy {

class SkipModel {
 public:
  explicit SkipModel(std::size_t contexts) : states_(contexts, kFresh) {}

  /// Probability of a 1, in 1/65536.
  std::uint32_t probability(std::size_t context) const {
    return std::clamp(states_[context] >> 16, 16u, 65520u);
  }

  /// Codes one decision and learns from it.
  int code(BinaryCoder& coder, int bit, std::size_t context) {
    const int coded = coder.code(bit, probability(context));
    std::uint32_t& state = states_[context];
    const std::uint32_t uses = state & 0xffff;
    const auto p = static_cast<std::int32_t>(state >> 16);
    const std::int32_t aim = coded != 0 ? 65535 : 0;
    const auto rate = static_cast<std::int32_t>(65536 / (2 * uses + 3));
    const std::int32_t moved = p + (((aim - p) * rate + (1 << 14)) >> 15);
    state = static_cast<std::uint32_t>(moved) << 16 | std::min(uses + 1, kLimit);
    return coded;
  }

  /// What was learnt from pretraining counts as at most so many uses.
  void limit_adaptation(int uses) {
    for (std::uint32_t& state : states_) {
      state = (state & 0xffff0000u) | std::min(state & 0xffff, static_cast<std::uint32_t>(uses));
    }
  }

 private:
  static constexpr std::uint32_t kFresh = 32768u << 16;
  static constexpr std::uint32_t kLimit = 255;
  std::vector<std::uint32_t> states_;  ///< p << 16 | uses
};

}  // namespace semcodec::entropy
