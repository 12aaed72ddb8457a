#pragma once
// Everything that adapts while frames are coded, the same on both sides.

#include <cstdint>
#include <optional>
#include <vector>

#include "common/entropy/frame_coder.h"
#include "common/entropy/label_coder.h"
#include "common/entropy/motion_coder.h"
#include "common/entropy/number_coder.h"
#include "common/entropy/plane_coder.h"
#include "common/entropy/reference.h"

namespace semcodec::entropy {

/// The coders of all parts, with what they have learnt.
struct Coders {
  MotionCoder motion;
  PaletteCoder palette;
  PlaneCoder structure;
  LabelCoder labels;
  PlaneCoder texture;
  /// Rises at entry points and cuts: what was learnt about places and labels of a scene is told
  /// apart by it.
  std::uint32_t scene = 0;

  void limit_adaptation(const AdaptationLimit& adaptation_limit);
};

/// The coders as they are at an entry point: primed with the planes built in (pretrained.h).
const Coders& primed_coders();

class Model {
 public:
  /// Entry points start from `start`, which must outlive the model; with null, from whatever was
  /// learnt until then. Throws Error(corrupt) when the coded size is out of range.
  Model(int coded_width, int coded_height, const Coders* start = &primed_coders());

  bool started() const { return started_; }
  void stop() { started_ = false; }
  /// Made when the first plane is coded: they take some 3 MB, which streams of base pictures alone
  /// never need.
  Coders& coders();

  /// Begins a frame: what an entry point or a cut forgets. Part of code(), and all of it for a
  /// frame without planes.
  void begin(bool entry_point, bool cut);
  /// Codes all parts. When reading, the planes are sized but hold nothing yet. With costs, planes
  /// that have some take the values that cost least in all.
  EncodeStats code(BinaryCoder& coder, SemanticFrame& frame, const PlaneCosts* costs = nullptr);

 private:
  void code_counter(BinaryCoder& coder, bool entry_point);
  void forget_planes();
  void code_texture(BinaryCoder& coder, SemanticFrame& frame);

  PictureSize work_;
  bool started_ = false;
  int counter_ = 15;  ///< of the frames with planes since the entry point, modulo 16
  const Coders* start_;
  bool fresh_ = true;  ///< nothing was coded yet: the coders are as at an entry point
  std::optional<Coders> coders_;
  std::uint32_t scenes_ = 0;  ///< that began since the entry point, before there were coders
  PlaneHistory structure_history_;
  PlaneHistory label_history_;
  std::vector<PlaneHistory> texture_history_;
};

}  // namespace semcodec::entropy
