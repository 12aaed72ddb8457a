#pragma once
// The interpolator's frames by kernels of their own on CPUs: the networks of interpolator.h without
// torch, on pair planes, as generator_engine.h generates anchors. Warping and blending at full size
// are models/kernels/generate_frame.h's.

#include <memory>

#include "models/generator/generator_layers.h"

namespace semcodec {

/// InterpolatorConfig without torch.
struct InterpolatorSizes {
  int motion = 0, half = 0, quarter = 0;  ///< channels
};

class InterpolatorEngine {
 public:
  static constexpr int kSeen = 30;  ///< channels of what the motion step sees
  static constexpr int kHint = 8;   ///< of what it tells the blending one
  static constexpr int kHeads = 24;

  /// Whether it knows how to lay out a network of these sizes: even numbers of channels.
  static bool takes(const InterpolatorSizes& sizes);

  InterpolatorEngine(const InterpolatorSizes& sizes, const generate::Weight& weight,
                     generate::Parallel parallel);
  ~InterpolatorEngine();

  /// The maps of one frame, which is refined, then `pictures` are written, then blended.
  struct Maps;
  /// For frames of width × height, multiples of 16; given back when the pointer goes, before the
  /// engine does. May be called in several threads at a time.
  std::shared_ptr<Maps> acquire(int width, int height) const;

  /// The motion step. seen: 30 × height/4 × width/4. off: 4 × height/4 × width/4, by how much the
  /// flows are off, in units of 16 pixels.
  void refine(Maps& maps, const float* seen, float* off) const;

  /// Where both warped pictures go, folded by two: six pairs each (width/2 × height/2), pair 2c +
  /// dy of colour c and sub-pixels (0, dy) and (1, dy).
  static cpu::Planes& pictures(Maps& maps);

  /// The blending step; the result holds as long as the maps: 24 channels at half size as
  /// blend_to_bytes() wants them, in pairs.
  const cpu::Planes& blend(Maps& maps) const;

 private:
  struct Net;
  std::unique_ptr<Net> net_;
};

}  // namespace semcodec
