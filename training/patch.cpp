#include "training/patch.h"

#include <algorithm>

#include "common/core/random.h"

namespace semcodec {

Patch draw_patch(const torch::Tensor& pictures, std::int64_t side, std::uint64_t seed,
                 std::int64_t step, std::uint64_t seed_offset) {
  const auto largest = std::min(pictures.size(2), pictures.size(3));
  Patch patch;
  patch.side = side > 0 ? std::min(side, largest) : largest;
  Random random(seed * 7919 + seed_offset * 104729 + static_cast<std::uint64_t>(step));
  const auto draw = [&](std::int64_t range) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(range + 1)));
  };
  patch.x = draw(pictures.size(3) - patch.side);
  patch.y = draw(pictures.size(2) - patch.side);
  return patch;
}

}  // namespace semcodec
