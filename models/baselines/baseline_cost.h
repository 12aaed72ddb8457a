#pragma once
// What a baseline costs, beside what its paper says.
//
// Published are, at 512×256 with one-hot labels of 35 classes and an edge map (36 channels):
//   vid2vid       1254 GMAC a frame (Fast-vid2vid, Fig. 1): its foreground branch included (169),
//                 transposed convolutions counted at the size of their output, as `thop` does
//   fast-vid2vid  151 GMAC a frame: the same, with one frame in three generated
// and by the layers of the published code
//   pix2pixHD     182 546 755 parameters with 36 channels

#include <cstdint>
#include <string>

#include "models/baselines/baseline.h"
#include "models/core/network_cost.h"

namespace semcodec {

struct BaselineCost {
  std::int64_t parameters = 0;
  NetworkCost of_a_frame;  ///< of a frame that is generated
  NetworkCost on_average;  ///< of a frame that is shown
};

/// Of frames W×H, measured on a frame of 4 × stride() and scaled by the pixels.
BaselineCost baseline_cost(Baseline& net, int width, int height);

/// "12.3 M parameters, 45.6 GMAC a frame of 512x256 (published, at its own size: …)."
std::string cost_sentence(Baseline& net);

}  // namespace semcodec
