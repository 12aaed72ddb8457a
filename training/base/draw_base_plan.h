#pragma once
// Operating points of the base layers that the restorer learns from.

#include <cstdint>
#include <optional>
#include <string>

#include "training/base/base_layer.h"

namespace semcodec {

/// Fewest pictures of a layer: a sample needs a neighbour on each side of two coded frames.
inline constexpr int kMinBasePictures = 4;

/// What a layer is drawn for.
struct BaseClip {
  std::string name;  ///< of the clip; two clips of one name get the same draws
  int width = 0;     ///< of its frame store
  int height = 0;
  std::int64_t frames = 0;
  double rate = 25;  ///< frames a second
};

/// Layer `index` of a clip: scale 1/4, 3/8, 1/2 (half of all), 3/4 or 1, coded frames 3.2 to 12.5 a
/// second (at the two largest scales 3 to 9, and once in twelve times about 25), the first of them
/// anywhere in the first interval, and a quantiser of the range in which the scale is used. Depends
/// on the arguments alone; further layers do not change the ones before. Nothing when the clip has
/// fewer than kMinBasePictures frames.
std::optional<BasePlan> draw_base_plan(const BaseClip& clip, std::uint64_t seed, int index);

}  // namespace semcodec
