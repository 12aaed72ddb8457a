#pragma once
// Pictures that tests and the Python reference (see metrics_test.cpp) make alike, by integers only.

#include <algorithm>
#include <cstdint>

#include "common/core/image.h"

namespace semcodec {

/// Gradients, a checkerboard and fine texture.
inline RgbImage textured_picture(int width, int height) {
  RgbImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int value =
            x + 2 * y + 40 * c + ((x / 8 + y / 8) % 2) * 60 + (x * x / 37 + y * x / 53) % 31;
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(value % 256);
      }
    }
  }
  return image;
}

/// The same with less contrast and noise of ±20 from a linear congruential generator.
inline RgbImage degraded_picture(int width, int height) {
  RgbImage image = textured_picture(width, height);
  std::uint32_t state = 12345;
  for (std::uint8_t& value : image.pixels) {
    state = state * 1664525U + 1013904223U;
    const int noise = static_cast<int>((state >> 24) % 41) - 20;
    value = static_cast<std::uint8_t>(std::clamp(value * 7 / 8 + 10 + noise, 0, 255));
  }
  return image;
}

/// A smooth random texture moved by (shift_x, shift_y) pixels: bilinear value noise of 8-pixel
/// cells, so that flow can follow it.
inline RgbImage moving_picture(int width, int height, double shift_x, double shift_y) {
  const auto corner = [](int i, int j) {
    std::uint32_t h =
        static_cast<std::uint32_t>(i) * 374761393U + static_cast<std::uint32_t>(j) * 668265263U;
    h = (h ^ (h >> 13)) * 1274126177U;
    return static_cast<double>((h >> 16) & 0xFFU);
  };
  RgbImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = (x - shift_x) / 8.0 + 1000;
      const double v = (y - shift_y) / 8.0 + 1000;
      const int i = static_cast<int>(u);
      const int j = static_cast<int>(v);
      const double fu = u - i;
      const double fv = v - j;
      const double value = (1 - fv) * ((1 - fu) * corner(i, j) + fu * corner(i + 1, j)) +
                           fv * ((1 - fu) * corner(i, j + 1) + fu * corner(i + 1, j + 1));
      for (int c = 0; c < 3; ++c) {
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(value + 0.5);
      }
    }
  }
  return image;
}

}  // namespace semcodec
