#pragma once
// Stills as short videos: a window that pans, zooms and turns over one picture. They bring far more
// kinds of scenes into the training than a few videos do.

#include <vector>

#include "common/core/image.h"
#include "common/core/random.h"

namespace semcodec {

/// A camera over a still, per second.
struct StillMotion {
  double pan_x = 0, pan_y = 0;  ///< pixels
  double zoom = 0;              ///< share of the size
  double turn = 0;              ///< radians
  double start_zoom = 1;        ///< at time 0, at least 1
};

/// Up to 80 pixels, a quarter of the size and 3 degrees a second; often much less.
StillMotion draw_still_motion(Random& random);

/// What the camera sees after `seconds`: same size, border mirrored.
RgbImage still_at(const RgbImage& picture, const StillMotion& motion, double seconds);
/// The same of an edge map, values 0..1.
std::vector<float> still_edges_at(const std::vector<float>& edges, int width, int height,
                                  const StillMotion& motion, double seconds);

}  // namespace semcodec
