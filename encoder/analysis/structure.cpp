#include "encoder/analysis/structure.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "common/core/error.h"
#include "encoder/analysis/cells.h"

namespace semcodec {
namespace {

constexpr int kSmoothingRadius = 4;  ///< of the triangle filter before the second derivatives
constexpr int kBorderDecay = 5;      ///< pixels over which the border fades in

std::size_t area(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

void check_size(int width, int height) {
  require(width > 0 && height > 0 && width <= kMaxCodedDimension && height <= kMaxCodedDimension,
          ErrorKind::usage,
          "The edge map to analyse is empty or larger than " + std::to_string(kMaxCodedDimension) +
              " pixels.");
}

/// Separable triangle filter 1 2 … r+1 … 2 1 with the border repeated.
std::vector<float> smooth(const float* in, int width, int height) {
  constexpr int r = kSmoothingRadius;
  std::vector<float> weights;
  for (int k = -r; k <= r; ++k) {
    weights.push_back(static_cast<float>(r + 1 - std::abs(k)) /
                      static_cast<float>((r + 1) * (r + 1)));
  }
  const auto w = static_cast<std::size_t>(width);
  std::vector<float> padded(w + 2 * r);
  std::vector<float> across(area(width, height));
  for (int y = 0; y < height; ++y) {
    const float* row = in + area(width, y);
    std::fill(padded.begin(), padded.begin() + r, row[0]);
    std::copy(row, row + w, padded.begin() + r);
    std::fill(padded.end() - r, padded.end(), row[w - 1]);
    float* out = across.data() + area(width, y);
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const float* shifted = padded.data() + k;
      const float weight = weights[k];
      for (std::size_t x = 0; x < w; ++x) out[x] += weight * shifted[x];
    }
  }
  std::vector<float> result(area(width, height));
  for (int y = 0; y < height; ++y) {
    float* out = result.data() + area(width, y);
    for (int k = -r; k <= r; ++k) {
      const float* row = across.data() + area(width, std::clamp(y + k, 0, height - 1));
      const float weight = weights[static_cast<std::size_t>(k + r)];
      for (std::size_t x = 0; x < w; ++x) out[x] += weight * row[x];
    }
  }
  return result;
}

/// thin_edges for the pixels of at least `floor`; the others become 0.
std::vector<float> thin_above(const float* probability, int width, int height, float floor) {
  const std::vector<float> smoothed = smooth(probability, width, height);
  const float* s = smoothed.data();
  std::vector<float> thin(area(width, height));
  for (int y = 0; y < height; ++y) {
    const std::size_t here = area(width, y);
    const std::size_t up = area(width, std::max(y - 1, 0));
    const std::size_t down = area(width, std::min(y + 1, height - 1));
    for (int x = 0; x < width; ++x) {
      const auto at = static_cast<std::size_t>(x);
      const float strength = probability[here + at];
      if (!(strength >= floor && strength > 0)) continue;
      const std::size_t left = x > 0 ? at - 1 : at;
      const std::size_t right = x + 1 < width ? at + 1 : at;
      // Second derivatives. The line's normal is where the curvature is most negative; it is
      // nearer to the x axis if that holds for the axes.
      const float xx = s[here + right] - 2 * s[here + at] + s[here + left];
      const float yy = s[down + at] - 2 * s[here + at] + s[up + at];
      const bool steep = xx < yy;
      const float before = steep ? probability[here + left] : probability[up + at];
      const float after = steep ? probability[here + right] : probability[down + at];
      // Strict on one side only, so that one pixel of a plateau survives.
      const bool first = steep ? x == 0 : y == 0;
      const bool last = steep ? x == width - 1 : y == height - 1;
      if ((!first && strength < before) || (!last && strength <= after)) continue;
      const int border = std::min({x, y, width - 1 - x, height - 1 - y});
      thin[here + at] = border >= kBorderDecay ? strength
                                               : strength * static_cast<float>(border) /
                                                     static_cast<float>(kBorderDecay);
    }
  }
  return thin;
}

void check_options(const StructureOptions& options, const std::vector<float>& thresholds) {
  require(options.cell >= 1 && options.cell <= 64, ErrorKind::usage,
          "The cell of the structure plane must be 1 to 64 pixels, not " +
              std::to_string(options.cell) + ".");
  require(options.levels >= 2 && options.levels <= 8, ErrorKind::usage,
          "The structure plane has 2 to 8 levels, not " + std::to_string(options.levels) + ".");
  const auto needed = static_cast<std::ptrdiff_t>(options.levels - 1);
  require(std::ssize(thresholds) >= needed &&
              std::is_sorted(thresholds.begin(), thresholds.begin() + needed) && thresholds[0] > 0,
          ErrorKind::usage,
          "The structure plane needs " + std::to_string(needed) +
              " thresholds above 0, in rising order.");
}

}  // namespace

std::vector<float> default_thresholds(int levels) {
  if (levels <= 2) return {0.3F};
  std::vector<float> thresholds;
  for (int i = 0; i < levels - 1; ++i) {
    thresholds.push_back(0.2F + 0.45F * static_cast<float>(i) / static_cast<float>(levels - 2));
  }
  return thresholds;
}

std::vector<float> thin_edges(const float* probability, int width, int height, float floor) {
  check_size(width, height);
  return thin_above(probability, width, height, floor);
}

std::vector<float> pool_cells(const float* lines, int width, int height, int columns, int rows,
                              Pooling pooling) {
  std::vector<float> cells;
  cells.reserve(area(columns, rows));
  for (int cy = 0; cy < rows; ++cy) {
    const int top = height * cy / rows, bottom = height * (cy + 1) / rows;
    for (int cx = 0; cx < columns; ++cx) {
      const int left = width * cx / columns, right = width * (cx + 1) / columns;
      float highest = 0, sum = 0;
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) {
          const float v = lines[area(width, y) + static_cast<std::size_t>(x)];
          highest = std::max(highest, v);
          sum += v;
        }
      }
      cells.push_back(pooling == Pooling::max
                          ? highest
                          : sum / static_cast<float>((bottom - top) * (right - left)));
    }
  }
  return cells;
}

void drop_weak_lines(std::vector<float>& strength, int width, int height, float low, float high,
                     int min_length) {
  check_size(width, height);
  require(strength.size() == area(width, height), ErrorKind::usage,
          "The edge map and its size disagree.");
  const auto is_edge = [&](std::size_t i) { return strength[i] > 0 && strength[i] >= low; };
  std::vector<std::uint8_t> seen(strength.size());
  std::vector<std::size_t> line;  // pixels of one connected line, also the queue that finds them
  for (std::size_t start = 0; start < strength.size(); ++start) {
    if (!is_edge(start)) {
      strength[start] = 0;
      continue;
    }
    if (seen[start] != 0) continue;
    line.assign(1, start);
    seen[start] = 1;
    float strongest = 0;
    for (std::size_t next = 0; next < line.size(); ++next) {
      strongest = std::max(strongest, strength[line[next]]);
      const int x = static_cast<int>(line[next] % static_cast<std::size_t>(width));
      const int y = static_cast<int>(line[next] / static_cast<std::size_t>(width));
      for (int ny = std::max(y - 1, 0); ny <= std::min(y + 1, height - 1); ++ny) {
        for (int nx = std::max(x - 1, 0); nx <= std::min(x + 1, width - 1); ++nx) {
          const std::size_t neighbour = area(width, ny) + static_cast<std::size_t>(nx);
          if (seen[neighbour] != 0 || !is_edge(neighbour)) continue;
          seen[neighbour] = 1;
          line.push_back(neighbour);
        }
      }
    }
    if (strongest < high || std::ssize(line) < min_length) {
      for (const std::size_t i : line) strength[i] = 0;
    }
  }
}

std::vector<float> StructureMap::distortions() const {
  std::vector<float> list;
  const int top = plane.levels - 1;
  list.reserve(strength.size() * static_cast<std::size_t>(plane.levels));
  for (const float s : strength) {
    for (int v = 0; v <= top; ++v) {
      const float below = v > 0 ? thresholds[static_cast<std::size_t>(v - 1)] - s : 0.0F;
      const float above = v < top ? s - thresholds[static_cast<std::size_t>(v)] : 0.0F;
      const float d = std::max({0.0F, below, above});
      list.push_back(d * d);
    }
  }
  return list;
}

std::vector<float> HostEdgeMap::lines(bool thin, float floor) const {
  if (thin) return thin_above(probability_, width(), height(), floor);
  return {probability_, probability_ + area(width(), height())};
}

std::vector<float> HostEdgeMap::cells(bool thin, float floor, int columns, int rows,
                                      Pooling pooling) const {
  if (!thin) return pool_cells(probability_, width(), height(), columns, rows, pooling);
  return pool_cells(lines(thin, floor).data(), width(), height(), columns, rows, pooling);
}

Plane analyse_structure(const float* probability, int width, int height,
                        const StructureOptions& options) {
  return map_structure(HostEdgeMap(probability, width, height), options).plane;
}

StructureMap map_structure(const EdgeMap& edges, const StructureOptions& options) {
  const int width = edges.width(), height = edges.height();
  check_size(width, height);
  const std::vector<float> thresholds =
      options.thresholds.empty() ? default_thresholds(options.levels) : options.thresholds;
  check_options(options, thresholds);

  // With max pooling, pixels below the first threshold cannot matter.
  const float floor = options.pooling == Pooling::max && options.hysteresis_low <= 0
                          ? thresholds[0]
                          : options.hysteresis_low;

  StructureMap map;
  Plane& plane = map.plane;
  map.thresholds = thresholds;
  plane.width = cells_along(width, options.cell);
  plane.height = cells_along(height, options.cell);
  plane.levels = options.levels;
  if (options.hysteresis_high > 0 || options.hysteresis_low > 0 || options.min_length > 1) {
    std::vector<float> lines = edges.lines(options.thin, floor);
    drop_weak_lines(lines, width, height, options.hysteresis_low, options.hysteresis_high,
                    options.min_length);
    map.strength =
        pool_cells(lines.data(), width, height, plane.width, plane.height, options.pooling);
  } else {
    map.strength = edges.cells(options.thin, floor, plane.width, plane.height, options.pooling);
  }
  for (const float pooled : map.strength) {
    std::uint8_t level = 0;
    for (int i = 0; i < options.levels - 1; ++i) {
      if (pooled >= thresholds[static_cast<std::size_t>(i)]) ++level;
    }
    plane.values.push_back(level);
  }
  return map;
}

}  // namespace semcodec
