#pragma once
// The points that the rooflines of CPU and GPU cluster.

#include <cstdint>
#include <vector>

#include "encoder/analysis/kmeans.h"

namespace semcodec {

/// Points without any order, so that neighbours seldom share a cluster.
inline PointSet roofline_points(std::size_t count) {
  PointSet points;
  std::uint32_t state = 1;
  const auto next = [&state] {
    state = state * 1664525U + 1013904223U;
    return static_cast<float>(state >> 16) / 655.36F;
  };
  for (std::size_t i = 0; i < count; ++i) {
    points.x.push_back(next());
    points.y.push_back(next());
    points.z.push_back(next());
  }
  return points;
}

inline std::vector<Centre> roofline_centres(const PointSet& points, int clusters) {
  std::vector<Centre> centres;
  for (int i = 0; i < clusters; ++i) {
    const auto at = static_cast<std::size_t>(i) * 37;
    centres.push_back({points.x[at], points.y[at], points.z[at]});
  }
  return centres;
}

}  // namespace semcodec
