#pragma once
// Rows of pictures at full size: the blend of a restored frame (models/kernels/restore_frame.h) and
// changes of size (models/kernels/picture_sizes.h). By the level in use.

#include <cstdint>

#include "common/cpu/bfloat.h"

namespace semcodec::cpu {

/// The row of sub-pixels dy (0 or 1) of a row of cells to four rows of `width`. A cell holds 16
/// values: four channels of the sub-pixels (0, 0), (1, 0), (0, 1), (1, 1).
void spread_row(const float* cells, std::int64_t dy, std::int64_t width, float* out);
void spread_row(const Bfloat* cells, std::int64_t dy, std::int64_t width, float* out);

/// values = sigmoid(4 · values - 2), to 1e-6.
void shares_of(float* values, std::int64_t width);

/// out = base + added, within 0..1.
void add_row(const float* added, const float* base, std::int64_t width, float* out);
/// out = (base + added) · (1 - share) + memory · share, within 0..1.
void blend_row(const float* added, const float* base, const float* memory, const float* share,
               std::int64_t width, float* out);

/// out = Σ weight[k] · rows[k] of four rows.
void mix_rows(const float* const* rows, const float* weight, std::int64_t width, float* out);

/// out[x] = Σ weight[4x + k] · row[index[4x + k]] over four taps, within 0..1.
void enlarge_row(const float* row, const std::int64_t* index, const float* weight,
                 std::int64_t width, float* out);

/// out = means of 2×2 values of two rows of 2 · width.
void average_row(const float* top, const float* bottom, std::int64_t width, float* out);

}  // namespace semcodec::cpu
