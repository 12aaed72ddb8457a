#pragma once
// The loops of k-means over points in three dimensions (encoder/analysis/kmeans.h). All levels give
// the same numbers: distances are ((x - cx)² + (y - cy)²) + (z - cz)² in single precision, rounded
// after each operation, and sums are integers.

#include <array>
#include <cstddef>
#include <cstdint>

namespace semcodec::cpu {

inline constexpr std::size_t kPointLanes = 32;    ///< points that `assign` works on at a time
inline constexpr std::size_t kPointBlock = 1024;  ///< points of `lower` at most

struct ClusteringKernels {
  /// The nearest of the centres, the first of equals, and its squared distance, of `count` points
  /// (a multiple of kPointLanes).
  void (*assign)(const float* x, const float* y, const float* z, std::size_t count,
                 const std::array<float, 3>* centres, int clusters, std::int32_t* labels,
                 float* distances);
  /// Adds the four numbers of each point (`fixed`), times its weight if there are weights, to the
  /// four sums of its label: those of points with an even index to `even`, the rest to `odd`, so
  /// that an addition need not wait for the one before it.
  void (*tally)(const std::int32_t* labels, const std::int32_t* fixed, const std::uint16_t* weights,
                std::size_t count, std::int64_t* even, std::int64_t* odd);
  /// Σ weight · trunc(distance · scale); all weights are 1 if there are none. Distances are not
  /// negative and their products below 2^31.
  std::uint64_t (*sum_distances)(const float* distances, const std::uint16_t* weights,
                                 std::size_t count, float scale);
  /// The same of at most kPointBlock points' distances from `centre`, each lowered by the stored
  /// one unless `first`; the lowered ones are stored if `keep`.
  std::uint64_t (*lower)(const float* x, const float* y, const float* z,
                         const std::uint16_t* weights, std::size_t count,
                         const std::array<float, 3>& centre, float scale, bool first, bool keep,
                         float* distances);
};

/// Those of the level in use.
const ClusteringKernels& clustering_kernels() noexcept;

}  // namespace semcodec::cpu
