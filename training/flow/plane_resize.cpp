#include "training/flow/plane_resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace semcodec {
namespace {

// The taps of every output sample along one axis, all of the same count.
struct Taps {
  std::size_t count = 0;
  std::vector<std::size_t> index;
  std::vector<float> weight;
};

double catmull_rom(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

Taps make_taps(int from, int to) {
  const double step = static_cast<double>(from) / to, stretch = std::max(1.0, step);
  Taps taps;
  taps.count = static_cast<std::size_t>(std::ceil(4 * stretch)) + 1;
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * step - 0.5;
    const int first = static_cast<int>(std::floor(centre - 2 * stretch)) + 1;
    std::vector<double> weights(taps.count);
    double sum = 0;
    for (std::size_t k = 0; k < taps.count; ++k)
      sum += weights[k] = catmull_rom((first + static_cast<int>(k) - centre) / stretch);
    for (std::size_t k = 0; k < taps.count; ++k) {
      taps.index.push_back(
          static_cast<std::size_t>(std::clamp(first + static_cast<int>(k), 0, from - 1)));
      taps.weight.push_back(static_cast<float>(weights[k] / sum));
    }
  }
  return taps;
}

}  // namespace

std::vector<float> resize_plane(const float* plane, int width, int height, int new_width,
                                int new_height) {
  const auto w = static_cast<std::size_t>(width), h = static_cast<std::size_t>(height);
  const auto nw = static_cast<std::size_t>(new_width), nh = static_cast<std::size_t>(new_height);
  const Taps across = make_taps(width, new_width), down = make_taps(height, new_height);
  std::vector<float> half(nw * h), out(nw * nh, 0.0F);
  for (std::size_t y = 0; y < h; ++y)
    for (std::size_t x = 0; x < nw; ++x) {
      float sum = 0;
      for (std::size_t k = x * across.count; k < (x + 1) * across.count; ++k)
        sum += across.weight[k] * plane[y * w + across.index[k]];
      half[y * nw + x] = sum;
    }
  for (std::size_t y = 0; y < nh; ++y)
    for (std::size_t k = y * down.count; k < (y + 1) * down.count; ++k) {
      const float* source = half.data() + down.index[k] * nw;
      for (std::size_t x = 0; x < nw; ++x) out[y * nw + x] += down.weight[k] * source[x];
    }
  return out;
}

}  // namespace semcodec
