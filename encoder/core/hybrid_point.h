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

/// What a bit is worth at a quality: mean squared error (of 8-bit samples) for a bit/s a pixel of
/// the coded size. An octave of rate is about 1.83 octaves of lambda, since D falls with R^-0.83.
double hybrid_lambda(double quality);

/// The quantiser, 0 … 63, at which base pictures of this scale and this many a second spend their
/// last bit for lambda: the step's square follows lambda · scale² · rate.
double hybrid_quantiser(double lambda, double scale, double rate);

/// Where the quality moves away from the one, `at`, for which a size was chosen: the same size,
/// with an interval and a quantiser such that the rate goes on without a step. Beyond the coarsest
/// quantiser the interval alone is left to save bits.
HybridPoint moved_point(const HybridPoint& chosen, double at, double quality);

/// A side of the base pictures at a coded size: even, at least 16.
int base_side(int coded_side, double scale);

}  // namespace semcodec
