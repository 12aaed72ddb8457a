#pragma once
// k-means on the GPU: the same results as encoder/analysis/kmeans.h, bit for bit.
//
// Lives in a shared module of its own (libsemcodec_kmeans_cuda) that links the CUDA run time and
// nothing else, so that programs start, and build, on machines without CUDA.

#include <string>
#include <vector>

#include "encoder/analysis/kmeans.h"

namespace semcodec::cuda {

/// Whether a usable device is present; otherwise `reason` says why not.
bool kmeans_available(std::string* reason = nullptr);

/// As semcodec::kmeans, on that device. Throws Error(device) when it fails.
KMeansResult kmeans(const PointSet& points, const KMeansOptions& options, int device = 0);

/// As semcodec::kmeans_from.
KMeansResult kmeans_from(const PointSet& points, std::vector<Centre> start,
                         const KMeansOptions& options, int device = 0);

/// Seconds that the device takes to assign all points to the centres and add them up, the mean of
/// `repeats` in a row without copies from or to the host: for benchmarks. Throws as kmeans_from.
double kmeans_assignment_seconds(const PointSet& points, const std::vector<Centre>& centres,
                                 int repeats);

/// The ceiling of an assignment with many clusters: so many times a second the device computes the
/// distance of a point from a centre (eight operations, not fused, as on the CPU) and keeps the
/// nearer one (a comparison, two selections), when all is in registers. For benchmarks. Throws as
/// kmeans_from.
double kmeans_comparisons_per_second(int repeats);

}  // namespace semcodec::cuda
