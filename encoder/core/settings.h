#pragma once
// Operating points of the encoder: what one number, the quality, stands for.

#include <optional>
#include <string>

#include "encoder/analysis/colour.h"
#include "encoder/analysis/motion.h"
#include "encoder/analysis/structure.h"
#include "semcodec/units.h"

namespace semcodec {

enum class Profile {
  semantic,  ///< planes a few times a second, frames between them interpolated by the receiver
  hybrid,    ///< base pictures a few times a second, likewise
  paper      ///< planes for every frame, as in the seed paper
};

/// "semantic", "hybrid" or "paper". Throws Error(usage).
Profile parse_profile(const std::string& text);

/// What is best at a target in bit/s (nothing: a rate that the default quality gives) at a coded
/// size: base pictures, but planes for the lowest rates.
Profile automatic_profile(std::optional<double> bit_rate, int coded_width, int coded_height);

/// The quality where the user names none.
double default_quality(Profile profile);
const char* to_string(Profile profile);

/// Everything that decides what a coded frame says and how often one is sent.
struct OperatingPoint {
  double interval = 0.4;  ///< seconds between coded frames; 0 = every frame is one
  ColourOptions colour;
  StructureOptions structure;
  MotionOptions motion;
  int texture_channels = 0;  ///< at most the model's are sent
  int key_quality = -1;      ///< of the intra pictures at entry points, 0..100; -1 = none
  bool choose_key = false;   ///< by content instead; `key_quality` is then only what is usual
};

/// Parts of an operating point set by hand: "colour=16x12,edges=8x4,texture=4,interval=0.4,key=30",
/// and what its bits are weighed by: "smooth=60,hold=6,line=12,lambda=2,lines=0.01".
/// For experiments, and for users whose scenes want another balance.
struct PointOverrides {
  std::optional<int> colour_cell, clusters, edge_cell, edge_levels, texture_channels, key_quality,
      motion_cell, palette_hold, line_length;
  std::optional<double> interval, smoothing, motion_lambda, line_lambda;
  /// Of the hybrid profile: see HybridPoint, "base=0.5,quantiser=58.5".
  std::optional<double> base_scale, quantiser;

  void apply(OperatingPoint& point) const;
};

/// Throws Error(usage) naming the part that is not understood or out of its range.
PointOverrides parse_overrides(const std::string& text);

/// quality 0 (fewest bits) … 100. Rate rises with quality; plane sizes change in steps, the
/// interval continuously. Cell sizes are those for a coded size of 512 pixels on the long side
/// and grow with it.
OperatingPoint operating_point(Profile profile, double quality, int coded_width, int coded_height);

/// Coded size for a source: 512 on the long side (less for small sources), same shape, multiples
/// of 16, at least 64.
PictureSize default_coded_size(int source_width, int source_height);
/// Throws Error(usage) unless both are multiples of 16 from 64 to kMaxCodedDimension.
void check_coded_size(int width, int height);

}  // namespace semcodec
