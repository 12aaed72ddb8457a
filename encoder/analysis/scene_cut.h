#pragma once
// Scene cut detection on 64 × 32 thumbnails.
//
// Two signs are combined: how little of the picture can be found near the same place in the frame
// before (block matching on the thumbnail), beyond what was usual in the frames just before, and
// how much the colour histogram changed. So fast motion that goes on does not count, and neither
// does a change of light alone.

#include <array>
#include <cstdint>
#include <vector>

#include "common/core/image.h"

namespace semcodec {

struct CutResult {
  float score = 0;   ///< 0 = the same picture … 1 = nothing in common; 0 for the first frame
  bool cut = false;  ///< score ≥ threshold
};

class SceneCutDetector {
 public:
  static constexpr float kDefaultThreshold = 0.6F;

  explicit SceneCutDetector(float threshold = kDefaultThreshold) : threshold_(threshold) {}

  /// Compares the next frame with the one before it.
  CutResult push(const RgbImage& frame);

  /// Forgets the earlier frames.
  void reset();

 private:
  struct Thumbnail {
    std::vector<std::uint8_t> luma;     ///< 64 × 32
    std::array<float, 64> histogram{};  ///< 4 × 4 × 4 bins of RGB, sums to 1
  };
  static Thumbnail make_thumbnail(const RgbImage& frame);

  float threshold_;
  Thumbnail previous_;
  float usual_ = 0;  ///< running mean of the matching difference
};

}  // namespace semcodec
