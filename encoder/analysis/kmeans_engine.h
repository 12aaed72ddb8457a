#pragma once
// What the CPU and the GPU each do for k-means, and the one driver above both.
//
// An engine holds the points, their nearest centre (label) and the squared distance to it. The
// driver decides: which centres, when to stop, where a lost cluster restarts. Quantities that
// are summed are fixed point, so an engine may add them up in any order:
//   coordinate  nearest integer of value · position_scale,  |integer| ≤ 2^20
//   distance²   integer part of value · distance_scale,      < 2^31
// Both scales are powers of two chosen from the data. Sums fit 63 bits because the total weight
// is at most 2^32.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "encoder/analysis/kmeans.h"

namespace semcodec::kmeans_detail {

struct FixedScale {
  float position = 1;
  float distance = 1;
};

/// Sums over the points, per cluster: Σ w·x, Σ w·y, Σ w·z, Σ w; and over all: Σ w·distance².
struct Tally {
  std::vector<std::int64_t> sums;  ///< 4 a cluster
  std::uint64_t inertia = 0;
};

struct Farthest {
  std::size_t point = 0;
  std::uint32_t distance = 0;  ///< fixed point
};

class Engine {
 public:
  virtual ~Engine() = default;

  /// Labels every point with its nearest centre (lowest index on ties), stores the distances and
  /// adds up.
  virtual Tally assign(const std::vector<Centre>& centres) = 0;

  /// Lowers the stored distances to those from `centre` (`first`: sets them) and returns
  /// Σ w·distance². Labels stay as they are.
  virtual std::uint64_t lower(const Centre& centre, bool first) = 0;

  /// What lower(candidate, false) would return, without changing anything.
  virtual std::uint64_t potential(const Centre& candidate) = 0;

  /// The point in which the running sum of w·distance² first exceeds `target`.
  virtual std::size_t pick(std::uint64_t target) = 0;

  /// The point with weight that is farthest from its centre, the first one on ties.
  virtual Farthest farthest() = 0;

  virtual std::vector<std::uint8_t> labels() = 0;
};

/// Throws Error(usage) for points or centres that cannot be clustered.
void validate(const PointSet& points, const std::vector<Centre>& start, int clusters);

/// Scales for the points and given centres (which may lie outside the points' range).
FixedScale fixed_scale(const PointSet& points, const std::vector<Centre>& start);

std::vector<Centre> seed(Engine& engine, const PointSet& points, int clusters, Random& random);
KMeansResult iterate(Engine& engine, const PointSet& points, const FixedScale& scale,
                     std::vector<Centre> centres, const KMeansOptions& options);

}  // namespace semcodec::kmeans_detail
