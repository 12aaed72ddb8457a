#pragma once
// Colour analysis: picture → label plane + palette (the paper's "colour representation").
//
// The picture is averaged over square cells, the cell colours are clustered by k-means in CIE Lab
// (where distances follow the eye), and each cell's label is its cluster. The palette holds the
// mean RGB of each cluster's members. From one coded frame to the next the clusters are
// warm-started, so that label 5 stays the grey of the road: the labels of consecutive coded frames
// then predict each other, and palette entries drift instead of jumping.

#include <cstdint>

#include "common/core/image.h"
#include "encoder/analysis/kmeans.h"
#include "semcodec/planes.h"

namespace semcodec {

struct ColourOptions {
  int cell = 8;             ///< side of a label cell in pixels: 1..64, usually 4, 8, 16 or 32
  int clusters = 16;        ///< 2..256
  float smoothing = 0;      ///< λ of the label smoothing in squared Lab units; 0 = off. The cost
                            ///< of a label that differs from a neighbour's, three times that
                            ///< of one that differs from the moved previous label (Potts model,
                            ///< iterated conditional modes).
  int palette_hold = 0;     ///< a palette entry whose colour moved by at most this (per channel,
                            ///< 0..255) keeps its old value, which costs no bits
  int iterations = 20;      ///< Lloyd iterations on a first picture
  int warm_iterations = 4;  ///< Lloyd iterations on a later one
  std::uint64_t seed = 1;
  int threads = 0;  ///< as KMeansOptions::threads
};

struct ColourMap {
  Plane labels;     ///< round(width / cell) × round(height / cell), levels = clusters
  Palette palette;  ///< clusters entries
};

class ColourAnalyser {
 public:
  /// `reference implementation`: clusters large sets instead. Throws Error(usage) when an option is
  /// out of its range.
  explicit ColourAnalyser(const ColourOptions& options, KMeansReference twin = {});

  /// Analyses one coded frame. `motion` (may be null or empty: no motion) is the coded frame's
  /// backward motion; it is only used by the smoothing. A change of the picture size resets.
  ColourMap analyse(const RgbImage& picture, const MotionField* motion = nullptr);

  /// Forgets the previous coded frame: call at cuts and entry points.
  void reset();

  const ColourOptions& options() const { return options_; }

 private:
  KMeansResult cluster(const PointSet& points, const KMeansOptions& options);

  ColourOptions options_;
  KMeansReference twin_;
  std::vector<Centre> centres_;  ///< Lab; empty after reset
  ColourMap previous_;
};

}  // namespace semcodec
