#pragma once
// Codes planes of ordered values: structure (edge strength) and texture (learned integers).
//
// A value is binarised as decisions "is it more than 0?", "more than 1?", ... up to kUnary, the
// rest as binary digits; see docs/format.md for the contexts.

#include <cstdint>

#include "common/entropy/context_mixer.h"
#include "common/entropy/reference.h"
#include "common/entropy/skip_model.h"

namespace semcodec::entropy {

class PlaneCoder {
 public:
  PlaneCoder();

  void limit_adaptation(const AdaptationLimit& adaptation_limit) {
    mixer_.limit_adaptation(adaptation_limit);
    skip_.limit_adaptation(adaptation_limit.histories);
  }

  /// Codes plane number `channel` (each has statistics of its own). `history` holds the earlier
  /// planes, already advanced; `companion` is another plane of
  /// this coded frame that tells something about this one (the channel before), or null; it has the
  /// same size. With `costs` (of each value of each cell, see PlaneCosts; up to kMaxCosted
  /// levels) the value whose cost and bits sum up to least is coded instead and put into `plane`.
  /// Returns the values in a padded plane. When writing, `plane.values` is coded; when reading it
  /// is filled. Throws Error(corrupt) when the reader overruns.
  PaddedPlane code(BinaryCoder& coder, Plane& plane, const PlaneHistory& history, int channel,
                   std::uint32_t scene, const PlaneHistory* companion,
                   const std::uint32_t* costs = nullptr);

  static constexpr int kMaxCosted = 9;

 private:
  /// `first` = probability that the value is more than 0, or 0 when the mixer tells.
  int cheapest(const std::uint32_t* costs, int levels, std::uint32_t first);
  /// The value is known to be at least `least`.
  int code_value(BinaryCoder& coder, int value, int levels, int least);

  ContextMixer mixer_;
  SkipModel skip_;
};

/// Throws the Error of a chunk that is shorter than its planes need.
[[noreturn]] void throw_overrun();

}  // namespace semcodec::entropy
