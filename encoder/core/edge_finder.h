#pragma once
// From a picture to its edge map on the device where the edge network runs, and what is made of it
// there: on a GPU thinning and pooling (analysis/cuda/structure_cuda.h) and, for many points,
// k-means (analysis/cuda/kmeans_cuda.h) stay there too. The numbers are the CPU's, bit for bit.

#include <memory>

#include "common/core/image.h"
#include "encoder/analysis/colour.h"
#include "encoder/analysis/edge_map.h"
#include "models/pidinet/edge_detector.h"

namespace semcodec {

/// 1×3×H×W of bytes, a view.
torch::Tensor as_tensor(const RgbImage& picture);

class EdgeFinder {
 public:
  /// Keeps `detector`, which has to outlive it. On a GPU, says once if edges have to be thinned on
  /// the CPU, and why.
  explicit EdgeFinder(const EdgeDetector& detector);
  ~EdgeFinder();
  EdgeFinder(EdgeFinder&&) noexcept;

  /// Runs the network and waits for it. The map may be read by another thread, as long as no two
  /// maps of one EdgeFinder are read at a time.
  std::unique_ptr<EdgeMap> find(const RgbImage& picture) const;

  /// Who clusters large sets of points; empty where it is the CPU.
  const KMeansReference& clustering() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semcodec
