#pragma once
// How well a video moves, from pairs of consecutive frames of source and output.
//
// s0, s1 are consecutive source frames, d0, d1 the output's frames at the same times, F(a, b) the
// flow of flow.h.
//
// Motion error: the end-point error |F(d0, d1) - F(s0, s1)| at the 15 % strongest gradients of s0,
//   relative to the mean |F(s0, s1)| there. Over a clip both sums are taken first and divided last,
//   so frames that hardly move weigh little. 0 = moves as the source does; showing each tenth frame
//   ten times scores about 1.2.
// Flicker: mean over samples of |(d1 - d0) - (s1 - s0)|, RGB, 0 … 255 and above: brightness and
//   texture that change otherwise than the source's do. A source change counts on both sides, so
//   holding frames costs too.
// Warping error after Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018: mean over
//   pixels that are not occluded of |d0 - d1(x + F(s0, s1))|², samples in 0 … 1, three channels
//   added. Occluded: |F + B|² > .01 (|F|² + |B|²) + .5 with the backward flow B, read where F
//   leads; pixels that leave the picture count as occluded too. The same figure for the source
//   itself is given beside it: flow and masks are not perfect and the source is not 0 either.

#include <cstdint>

#include "common/core/image.h"
#include "evaluation/flow.h"

namespace semcodec {

inline constexpr double kMotionGradientShare = 0.15;

/// Sums over the pairs of a clip; add up with +=.
struct TemporalSums {
  std::int64_t pairs = 0;
  double end_point_error = 0;  ///< Σ |F(d) - F(s)| over the gradient pixels, pixels
  double source_motion = 0;    ///< Σ |F(s)| over the same
  std::int64_t motion_pixels = 0;
  double flicker = 0;  ///< Σ over pairs of the mean
  double warping = 0;  ///< Σ over pairs of the mean
  double source_warping = 0;
  std::int64_t warping_pairs = 0;  ///< pairs with at least one pixel that is not occluded

  TemporalSums& operator+=(const TemporalSums& other);
};

struct TemporalChoice {
  bool motion = true;
  bool flicker = true;
  bool warping = true;
};

/// The sums of one pair. All four pictures have one size. Throws Error(input) otherwise, and for
/// motion and warping when a side is below kMinFlowSize.
TemporalSums compare_motion(FlowEstimator& estimator, const RgbImage& s0, const RgbImage& s1,
                            const RgbImage& d0, const RgbImage& d1, const TemporalChoice& choice);

/// Below this mean source motion, in pixels a frame, the relative motion error says nothing.
inline constexpr double kLeastMotion = 0.02;

}  // namespace semcodec
