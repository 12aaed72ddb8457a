#pragma once
// Rate as a function of the two levers, in octaves (log2 of bit/s): a line in the quality and a
// power of the interval. A rough model; what uses it measures and corrects.

#include "encoder/rate/rate_control.h"

namespace semcodec {

struct RateModel {
  double zero = 10.5;      ///< octaves at quality 0, interval scale 1
  double per_octave = 18;  ///< steps of quality that double the rate
  /// Rate falls with interval^-this: rarer coded frames cost more each, mostly in motion.
  double interval_power = 0.8;
  bool intervals = true;  ///< false where every frame is a coded frame: the interval is no lever
  /// Whether a planned pass steers while it goes by. A coder that looks seconds ahead would obey
  /// too late and end beside the target; its passes keep one quality, and the next one corrects.
  bool trims = true;
  /// Whether choose() may go below quality 0 by intervals longer than that one's.
  bool below_zero = false;

  /// The model for driving and street video at a coded size.
  static RateModel typical(int coded_width, int coded_height, bool intervals);
  /// The same of base pictures; without trims.
  static RateModel base_pictures(int coded_width, int coded_height);

  /// Octaves above those of quality 0.
  double octaves(const RateChoice& choice) const;
  /// Quality that lies that many octaves above quality 0, within 0..100.
  double quality(double octaves) const;

  /// The choice for `octaves` that keeps `quality` where a moderate interval scale can make up the
  /// difference (`reach` octaves at most), and moves the quality where it cannot. Never rarer than
  /// quality 0 nor denser than quality 100.
  RateChoice choose(double octaves, double quality, double reach) const;
};

}  // namespace semcodec
