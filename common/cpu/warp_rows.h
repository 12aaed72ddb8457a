#pragma once
// Rows of a warp along a flow, bilinear (models/kernels/resample.h): where the taps of a row lie is
// found once and used for all channels. Float by the level in use; double (for tests of gradients)
// is plain C++.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace semcodec::cpu {

/// Taps of one row: index of the upper left tap in an image of less than 2^31 pixels, steps to the
/// other taps (0 at the border) and the two fractions.
template <typename T>
struct RowTaps {
  explicit RowTaps(std::int64_t width)
      : index(static_cast<std::size_t>(width)),
        right(index.size()),
        down(index.size()),
        fx(index.size()),
        fy(index.size()) {}
  std::vector<std::int32_t> index, right, down;
  std::vector<T> fx, fy;
};

/// The taps of (x + dx[x], y + dy[x]), held within a pixel of the image, of every x of row y.
void find_taps(const float* dx, const float* dy, std::int64_t y, std::int64_t height,
               std::int64_t width, RowTaps<float>& taps);
void find_taps(const double* dx, const double* dy, std::int64_t y, std::int64_t height,
               std::int64_t width, RowTaps<double>& taps);

/// A row of one plane of the image.
void warp_plane_row(const float* plane, float* out, std::int64_t width, const RowTaps<float>& taps);
void warp_plane_row(const double* plane, double* out, std::int64_t width,
                    const RowTaps<double>& taps);

/// A row of an image in channels-last memory.
void warp_pixel_row(const float* image, float* out, std::int64_t width, std::int64_t channels,
                    const RowTaps<float>& taps);
void warp_pixel_row(const double* image, double* out, std::int64_t width, std::int64_t channels,
                    const RowTaps<double>& taps);

}  // namespace semcodec::cpu
