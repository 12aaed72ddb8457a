#pragma once
// Operating points of the hybrid profile: what one number, the quality, stands for.

namespace semcodec {

struct HybridPoint {
  double scale = 0.5;      ///< of the base pictures' sides: 1/4, 3/8, 1/2, 3/4 or 1
  double interval = 0.15;  ///< seconds between coded frames
  double quantiser = 63;  ///< 0 … 63; between two whole numbers, some frames get the one and some
                          ///< the other
};

/// quality 0 (fewest bits) … 100. Rate rises with the quality, by about an octave in 18 steps.
HybridPoint hybrid_point(double quality);

/// A side of the base pictures at a coded size: even, at least 16.
int base_side(int coded_side, double scale);

}  // namespace semcodec
