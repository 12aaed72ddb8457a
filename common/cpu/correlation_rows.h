#pragma once
// Rows of FlowNet2's correlation and of its gradients (models/kernels/correlation.h), all maps
// being height × width × channels. Float by the level in use, double (for tests of gradients) the
// same.

#include <cstdint>

namespace semcodec::cpu {

struct CorrelationShape {
  std::int64_t height, width, channels;
  int steps, stride;  ///< (2 · steps + 1)² displacements, multiples of `stride` pixels
};

/// out[x][d] = mean over channels of a_row[x] · b_image[(x, y) + d], 0 where that lies outside.
void correlation_row(const float* a_row, const float* b_image, float* out,
                     const CorrelationShape& shape, std::int64_t y);
void correlation_row(const double* a_row, const double* b_image, double* out,
                     const CorrelationShape& shape, std::int64_t y);

/// Adds Σ_d grad[.., d] · other[.. + sign·d] to each vector of row y of a gradient. With sign +1
/// this is the gradient of a; with sign −1 (and grad read at the place it came from) that of b.
void correlation_gradient_row(const float* grad, const float* other, float* out_row,
                              const CorrelationShape& shape, std::int64_t y, int sign);
void correlation_gradient_row(const double* grad, const double* other, double* out_row,
                              const CorrelationShape& shape, std::int64_t y, int sign);

}  // namespace semcodec::cpu
