#include "common/semantic/colour_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "common/core/error.h"

// CMake compiles this file with -ffp-contract=off; see the header.

namespace semcodec {
namespace {

std::size_t area(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

void check_plane(const Plane& plane, const char* name, int width, int height) {
  const std::string what = name;
  require(plane.width > 0 && plane.height > 0 && plane.width <= kMaxPlaneDimension &&
              plane.height <= kMaxPlaneDimension && plane.levels >= 2 && plane.levels <= 256 &&
              plane.values.size() == area(plane.width, plane.height),
          ErrorKind::corrupt, "The " + what + " plane is empty or its sizes disagree.");
  require(width > 0 && height > 0 && width <= kMaxCodedDimension && height <= kMaxCodedDimension,
          ErrorKind::usage,
          "A " + what + " plane cannot be rendered at " + std::to_string(width) + "x" +
              std::to_string(height) + "; sizes are 1 to " + std::to_string(kMaxCodedDimension) +
              ".");
}

/// Where an output sample reads from (already clamped to the plane) and with what weights.
template <int N>
struct Taps {
  std::array<int, N> at;
  std::array<float, N> weight;
};

/// Cubic convolution, R. Keys, 1981, with a = -1/2; t in [0, 1) is the distance to tap 1.
std::array<float, 4> cubic_weights(float t) {
  const float t2 = t * t;
  const float t3 = t2 * t;
  return {-0.5F * t3 + t2 - 0.5F * t, 1.5F * t3 - 2.5F * t2 + 1.0F,
          -1.5F * t3 + 2.0F * t2 + 0.5F * t, 0.5F * t3 - 0.5F * t2};
}

std::array<float, 2> linear_weights(float t) { return {1.0F - t, t}; }

template <int N>
std::vector<Taps<N>> make_taps(int from, int to) {
  std::vector<Taps<N>> taps(static_cast<std::size_t>(to));
  for (int i = 0; i < to; ++i) {
    // Position in the plane as floor + fraction, from integers, so that it is exact.
    const std::int64_t numerator = (2 * std::int64_t{i} + 1) * from - to;  // over 2 * to
    const std::int64_t denominator = 2 * std::int64_t{to};
    std::int64_t base = numerator / denominator;
    if (base * denominator > numerator) --base;
    const float t =
        static_cast<float>(numerator - base * denominator) / static_cast<float>(denominator);
    Taps<N>& tap = taps[static_cast<std::size_t>(i)];
    if constexpr (N == 4) {
      tap.weight = cubic_weights(t);
    } else {
      tap.weight = linear_weights(t);
    }
    for (int k = 0; k < N; ++k) {
      tap.at[static_cast<std::size_t>(k)] =
          static_cast<int>(std::clamp<std::int64_t>(base + k - (N / 2 - 1), 0, from - 1));
    }
  }
  return taps;
}

/// Weighted sum of N rows, clamped to 0..1. The vectoriser turns the loop into one over lanes.
template <int N>
void combine_rows(const std::array<const float*, N>& rows, const std::array<float, N>& weight,
                  int width, float* __restrict out) {
  for (int x = 0; x < width; ++x) {
    float sum = weight[0] * rows[0][x];
    for (std::size_t k = 1; k < N; ++k) sum += weight[k] * rows[k][x];
    sum = sum < 0.0F ? 0.0F : sum;
    out[x] = sum > 1.0F ? 1.0F : sum;
  }
}

/// Upsamples `channels` planes whose samples are looked up as table[channel * 256 + value].
template <int N>
void upsample(const Plane& plane, const std::vector<float>& table, int channels, int width,
              int height, float* out) {
  const auto across = make_taps<N>(plane.width, width);
  const auto down = make_taps<N>(plane.height, height);
  std::vector<float> wide(area(width, plane.height));
  std::vector<float> line(static_cast<std::size_t>(plane.width));
  for (int c = 0; c < channels; ++c) {
    const float* colours = table.data() + std::ptrdiff_t{256} * c;
    for (int y = 0; y < plane.height; ++y) {
      const std::uint8_t* values = plane.values.data() + area(plane.width, y);
      for (std::size_t x = 0; x < line.size(); ++x) line[x] = colours[values[x]];
      float* row = wide.data() + area(width, y);
      for (std::size_t x = 0; x < across.size(); ++x) {
        const Taps<N>& tap = across[x];
        float sum = tap.weight[0] * line[static_cast<std::size_t>(tap.at[0])];
        for (std::size_t k = 1; k < N; ++k) {
          sum += tap.weight[k] * line[static_cast<std::size_t>(tap.at[k])];
        }
        row[x] = sum;
      }
    }
    for (std::size_t y = 0; y < down.size(); ++y) {
      std::array<const float*, N> rows;
      for (std::size_t k = 0; k < N; ++k) rows[k] = wide.data() + area(width, down[y].at[k]);
      combine_rows<N>(rows, down[y].weight, width,
                      out + area(width, height) * static_cast<std::size_t>(c) +
                          static_cast<std::size_t>(width) * y);
    }
  }
}

}  // namespace

void render_colour(const Plane& labels, const Palette& palette, int width, int height, float* out) {
  check_plane(labels, "label", width, height);
  const std::uint8_t highest = *std::max_element(labels.values.begin(), labels.values.end());
  require(highest < palette.size() && palette.size() <= 256, ErrorKind::corrupt,
          "The label plane names colour " + std::to_string(highest) + ", but the palette has " +
              std::to_string(palette.size()) + " entries.");
  std::vector<float> table(std::size_t{3} * 256, 0.0F);
  for (std::size_t i = 0; i < palette.size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      table[c * 256 + i] = static_cast<float>(palette[i][c]) / 255.0F;
    }
  }
  upsample<4>(labels, table, 3, width, height, out);
}

std::vector<float> render_colour(const Plane& labels, const Palette& palette, int width,
                                 int height) {
  check_plane(labels, "label", width, height);
  std::vector<float> out(3 * area(width, height));
  render_colour(labels, palette, width, height, out.data());
  return out;
}

void render_structure(const Plane& structure, int width, int height, float* out) {
  check_plane(structure, "structure", width, height);
  const float top = static_cast<float>(structure.levels - 1);
  std::vector<float> table(256);
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i) / top;
  upsample<2>(structure, table, 1, width, height, out);
}

std::vector<float> render_structure(const Plane& structure, int width, int height) {
  check_plane(structure, "structure", width, height);
  std::vector<float> out(area(width, height));
  render_structure(structure, width, height, out.data());
  return out;
}

}  // namespace semcodec
