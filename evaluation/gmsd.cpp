#include "evaluation/gmsd.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "evaluation/pixel_error.h"

namespace semcodec {
namespace {

constexpr double kConstant = 170.0;

/// Luma at half size with a frame of zeros one pixel wide: (width + 2) * (height + 2) values.
struct HalfLuma {
  int width, height;
  std::vector<float> values;
  const float* row(int y) const {
    return values.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width + 2);
  }
};

HalfLuma half_luma(const RgbImage& image) {
  HalfLuma half{(image.width + 1) / 2, (image.height + 1) / 2, {}};
  half.values.assign(
      static_cast<std::size_t>(half.width + 2) * static_cast<std::size_t>(half.height + 2), 0.0F);
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* p = image.row(y);
    float* to = half.values.data() +
                static_cast<std::size_t>(y / 2 + 1) * static_cast<std::size_t>(half.width + 2) + 1;
    for (int x = 0; x < image.width; ++x, p += 3) {
      const double luma = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
      to[x / 2] += static_cast<float>(0.25 * luma);
    }
  }
  return half;
}

double gradient(const HalfLuma& luma, int x, int y) {
  const float* up = luma.row(y) + x;
  const float* mid = luma.row(y + 1) + x;
  const float* down = luma.row(y + 2) + x;
  const double dx = (up[0] + mid[0] + down[0] - up[2] - mid[2] - down[2]) / 3.0;
  const double dy = (up[0] + up[1] + up[2] - down[0] - down[1] - down[2]) / 3.0;
  return std::sqrt(dx * dx + dy * dy);
}

}  // namespace

double gmsd(const RgbImage& a, const RgbImage& b) {
  require_same_size(a, b);
  const HalfLuma luma_a = half_luma(a);
  const HalfLuma luma_b = half_luma(b);
  // Shifted by 1, the value at equality, so that equal pictures give exactly 0.
  double sum = 0;
  double sum_squares = 0;
  for (int y = 0; y < luma_a.height; ++y) {
    for (int x = 0; x < luma_a.width; ++x) {
      const double ga = gradient(luma_a, x, y);
      const double gb = gradient(luma_b, x, y);
      const double loss = 1.0 - (2 * ga * gb + kConstant) / (ga * ga + gb * gb + kConstant);
      sum += loss;
      sum_squares += loss * loss;
    }
  }
  const double count = static_cast<double>(luma_a.width) * luma_a.height;
  const double mean = sum / count;
  return std::sqrt(std::max(0.0, sum_squares / count - mean * mean));
}

}  // namespace semcodec
