#pragma once
/// @file
/// A picture in memory: packed 8-bit samples, no padding between rows.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace semcodec {

/// RGB picture: 3 bytes a pixel, R G B, full range, sRGB transfer, rows top to bottom.
/// pixels.size() == 3 * width * height.
struct RgbImage {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;

  RgbImage() = default;
  RgbImage(int w, int h)
      : width(w),
        height(h),
        pixels(std::size_t{3} * static_cast<std::size_t>(w) * static_cast<std::size_t>(h)) {}
  const std::uint8_t* row(int y) const {
    return pixels.data() +
           std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(y);
  }
  std::uint8_t* row(int y) {
    return pixels.data() +
           std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(y);
  }
};

}  // namespace semcodec
