#pragma once
// A small clip to encode: a square that moves over a gradient.

#include <cstdint>

#include "semcodec/image.h"

namespace semcodec::test {

inline constexpr int kWidth = 96, kHeight = 64;

inline RgbImage moving_square(int index) {
  RgbImage image(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const int left = 5 + 2 * index;
      const bool inside = x >= left && x < left + 24 && y >= 20 && y < 44;
      std::uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(inside ? 230 : 2 * x);
      pixel[1] = static_cast<std::uint8_t>(inside ? 40 : 3 * y);
      pixel[2] = static_cast<std::uint8_t>(inside ? 40 : 60);
    }
  }
  return image;
}

}  // namespace semcodec::test
