#pragma once
// Rows of feature maps in channels-last memory (models/kernels/feature_maps.h), bfloat16 or float.
// Sums are computed in float. All by the level in use.

#include <cstdint>

#include "common/cpu/bfloat.h"

namespace semcodec::cpu {

/// out = leaky ReLU (slope 0.2) of `in`; they may be the same.
void leaky_run(const float* in, float* out, std::int64_t count);
void leaky_run(const Bfloat* in, Bfloat* out, std::int64_t count);

/// A row of `width` cells of x, four sub-pixels of `channels` each, to two rows of a map at twice
/// the size: sum = skip + x where `sum` is given, and active = its leaky ReLU. `undo`: `skip` holds
/// leaky ReLUs, of which the arguments are meant.
void add_shuffled_row(const float* x, const float* skip, float* sum, float* active,
                      std::int64_t width, std::int64_t channels, bool undo);
void add_shuffled_row(const Bfloat* x, const Bfloat* skip, Bfloat* sum, Bfloat* active,
                      std::int64_t width, std::int64_t channels, bool undo);

/// A row of floats, `factor` (1, 2 or 4) at a time, to the first channels of cells `stride` apart.
void fold_row(const float* row, std::int64_t cells, int factor, float* out, std::int64_t stride);
void fold_row(const float* row, std::int64_t cells, int factor, Bfloat* out, std::int64_t stride);

}  // namespace semcodec::cpu
