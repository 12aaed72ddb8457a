#pragma once
// A square that every picture of a step is cut to, drawn anew for each step.

#include <torch/torch.h>

#include <cstdint>

namespace semcodec {

/// Where the square lies (φ of the seed paper's eq. 4), pixels.
struct Patch {
  std::int64_t x = 0, y = 0, side = 0;
  torch::Tensor of(const torch::Tensor& pictures) const {
    return pictures.narrow(2, y, side).narrow(3, x, side);
  }
};

/// For N×C×H×W pictures. Depends on seed, `step` and `seed_offset` (one number for each use) alone,
/// so that a resumed run repeats it. A side of 0, or one larger than the pictures, gives the
/// largest square.
Patch draw_patch(const torch::Tensor& pictures, std::int64_t side, std::uint64_t seed,
                 std::int64_t step, std::uint64_t seed_offset);

}  // namespace semcodec
