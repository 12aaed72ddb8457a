#pragma once
// Picture pairs with exactly known motion, in the style of FlyingChairs: a textured background and
// a few layers of random shape cut from other pictures, each moving in its own way.
//
// The flow is chosen first and used as it is: the second picture is composed from the layers, and
// the first one looks each layer up at x + flow(x). So the flow is exact at every pixel of the
// first picture, without inverting a motion, and a bent motion costs no more than a straight one.

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "common/core/image.h"

namespace semcodec {

/// Gives a random real picture. Called by several threads at once, each with its own generator.
using ImageSource = std::function<RgbImage(std::mt19937_64&)>;

/// Lengths are in pixels of the pair.
struct SyntheticMotionOptions {
  int width = 256;
  int height = 192;
  double max_displacement = 40.0;     ///< no flow vector is much longer
  double typical_displacement = 4.0;  ///< mean length of the ordinary motions
  int min_layers = 2;
  int max_layers = 6;
  double min_texture_scale = 0.6;  ///< texture pixels per pixel of the pair
  double max_texture_scale = 1.4;
  double degrade_probability = 0.0;  ///< how often both pictures are blurred like generated ones
};

/// One pair. Planes are row-major, planar; values of pictures lie in 0..1.
struct MotionPair {
  int width = 0;
  int height = 0;
  std::vector<float> image0, image1;  ///< 3 planes: R, G, B
  std::vector<float> flow;            ///< 2 planes, dx and dy: image0(x) shows image1(x + flow)
  std::vector<float> visible;         ///< 1 where that place of image1 shows the same layer, else 0
};

/// Throws Error(usage) for sizes out of range or an empty texture.
MotionPair make_motion_pair(const SyntheticMotionOptions& options, const ImageSource& source,
                            std::mt19937_64& random);

/// What generated pictures look like to a flow network: reduced by 2 to 4, enlarged again and
/// slightly noisy. Both pictures get the same strength. In place, on planes as in MotionPair.
void degrade_pair(MotionPair& pair, std::mt19937_64& random);

}  // namespace semcodec
