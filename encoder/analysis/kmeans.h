#pragma once
// k-means of points in three dimensions (colours).
//
// Seeding is Algorithm 1 of the seed paper as it is meant, which is k-means++ (Arthur and
// Vassilvitskii, SODA 2007): the first centre is a random point; each further centre is drawn
// with a probability proportional to the squared distance to the nearest centre so far. In the
// algorithm's words: sum the distances, take the random fraction p of the sum, and walk along the
// points until it is used up. Then Lloyd iterations.
//
// Everything is exact and reproducible: distances are single precision in a fixed order without
// fused multiply-add, sums are 64-bit fixed point (so their order does not matter), and random
// numbers come from random.h. The same points and seed give the same labels and centres with any
// number of threads, any instruction set, and on the GPU (cuda/kmeans_cuda.h).

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/core/random.h"

namespace semcodec {

using Centre = std::array<float, 3>;

inline constexpr int kMaxClusters = 256;
inline constexpr std::size_t kMaxPoints = std::size_t{1} << 26;

/// N points as three arrays. Any finite values; |value| up to 1e6.
struct PointSet {
  std::vector<float> x, y, z;
  std::vector<std::uint16_t> weights;  ///< empty: all points weigh 1. A weight of 0 only labels.

  std::size_t size() const { return x.size(); }
};

struct KMeansOptions {
  int clusters = 16;        ///< 1..256; ignored when starting from given centres
  int max_iterations = 30;  ///< Lloyd updates at most; 0 only assigns
  float epsilon = 0.01F;    ///< stop when no centre moved farther than this (units of the points)
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: as many as help (small sets always run on one)
};

struct KMeansResult {
  std::vector<Centre> centres;
  std::vector<std::uint8_t> labels;   ///< nearest centre of each point, the lowest index on ties
  std::vector<std::uint64_t> counts;  ///< summed weight of each cluster; 0 for a cluster that
                                      ///< found no point (fewer distinct points than clusters)
  double inertia = 0;                 ///< Σ weight · squared distance
  int iterations = 0;                 ///< Lloyd updates done
};

/// Algorithm 1. With fewer distinct points than clusters the surplus centres repeat earlier ones.
std::vector<Centre> seed_centres(const PointSet& points, int clusters, Random& random);

/// Seeds and iterates. Throws Error(usage) when there is no point, arrays differ in length,
/// a value is not finite, or clusters is out of range.
KMeansResult kmeans(const PointSet& points, const KMeansOptions& options);

/// Iterates from given centres (1..256): cluster i stays the cluster that started at start[i].
/// A cluster that loses all its points restarts at the point farthest from its centre; where every
/// point already sits on a centre it stays where it is.
KMeansResult kmeans_from(const PointSet& points, std::vector<Centre> start,
                         const KMeansOptions& options);

/// The two functions on another device, with the same results, for sets of `least_points` and more.
/// Empty functions: there is none.
struct KMeansReference {
  std::size_t least_points = 0;
  std::function<KMeansResult(const PointSet&, const KMeansOptions&)> fresh;
  std::function<KMeansResult(const PointSet&, std::vector<Centre>, const KMeansOptions&)> from;

  bool takes(const PointSet& points) const { return fresh && points.size() >= least_points; }
};

}  // namespace semcodec
