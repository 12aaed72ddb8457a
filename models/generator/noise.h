#pragma once
// What makes foliage irregular: a field of random numbers that the generator may listen to.
//
// A network of convolutions generates even areas evenly; asked for texture, it repeats one tile.
// Noise breaks the symmetry (Karras et al. 2019, arXiv 1812.04948, section 3.2). Here the field is
// a function of position alone, so that decoding is repeatable and still scenes stay still.

#include <torch/torch.h>

#include <cstdint>

namespace semcodec {

/// 1×1×height×width float32, uniform in ±√3 (so of unit variance). The same numbers on every
/// machine and device; another `seed` gives another field. `level` keeps apart the fields of one
/// network.
torch::Tensor noise_field(std::int64_t height, std::int64_t width, int level, std::int64_t seed,
                          torch::Device device);

}  // namespace semcodec
