#pragma once
// SemanticFrame planes <-> one arithmetic-coded chunk of bytes per frame.
//
// The chunk holds, in this order: a 4-bit counter that tells when a frame is missing, motion,
// palette, structure, labels, texture; each is there when its plane has a size. Everything else of
// a frame (times, flags, plane sizes and levels, the intra picture) belongs to the record around
// the chunk (common/bitstream).
//
// The coder is adaptive: probabilities, mixing weights and the previous planes carry over from
// frame to frame and start afresh at an entry_point. Frames must therefore be decoded in the order
// in which they were encoded, from an entry point on, none left out. A cut keeps what was learnt
// but forgets the previous planes. All arithmetic is integer: the same bytes give the same planes
// on every machine. docs/format.md describes the coder for other implementations.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "semcodec/export.h"
#include "semcodec/planes.h"

namespace semcodec {

/// `frame` without the values of its planes: what FrameDecoder::decode() is told of a frame.
SEMCODEC_SIBLING_API SemanticFrame plane_header_of(const SemanticFrame& frame);

/// What each value of each cell would cost in quality, [cell * levels + value], in 1/65536 bit and
/// below 2^30; for planes of up to 9 levels. Empty: the plane stays as it is.
struct PlaneCosts {
  std::vector<std::uint32_t> structure;
  /// Of a vector in a cell of the motion field, in the same unit. A cell keeps its vector or takes
  /// one that its surroundings suggest. Empty: the field stays as it is.
  std::function<std::uint32_t(int x, int y, int dx, int dy)> motion;
};

/// Writes frames. The coded size relates the motion field's pixels to the planes' cells.
class SEMCODEC_SIBLING_API FrameEncoder {
 public:
  FrameEncoder(int coded_width, int coded_height);
  ~FrameEncoder();
  FrameEncoder(FrameEncoder&&) noexcept;
  FrameEncoder& operator=(FrameEncoder&&) noexcept;
  FrameEncoder(const FrameEncoder&);
  FrameEncoder& operator=(const FrameEncoder&);

  /// Codes a frame and advances the adaptive state. The frame must satisfy validate(); the first
  /// frame must be an entry point, or Error(corrupt) is thrown and the state stays as it was.
  std::vector<std::uint8_t> encode(const SemanticFrame& frame, EncodeStats* stats = nullptr);
  /// Goes past a frame without planes: nothing is coded, but an entry point or cut has its effect.
  void pass(const SemanticFrame& frame);

  /// What encode() would spend on this frame now, in 1/256 bit; the state stays as it is. As slow
  /// as encoding (plus a copy of about 3 MB of state).
  std::uint64_t cost(const SemanticFrame& frame) const;
  EncodeStats cost_by_part(const SemanticFrame& frame) const;

  /// Gives each cell, one after the other, the value whose cost and bits (those that encode()
  /// would spend now) sum up to least. Throws Error(usage) when there is not a cost for each.
  void choose(SemanticFrame& frame, const PlaneCosts& costs) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Reads frames.
class FrameDecoder {
 public:
  FrameDecoder(int coded_width, int coded_height);
  ~FrameDecoder();
  FrameDecoder(FrameDecoder&&) noexcept;
  FrameDecoder& operator=(FrameDecoder&&) noexcept;

  /// In: `frame` with entry_point and cut set, and the sizes of what the chunk holds: motion
  /// {width, height}, structure, labels and texture {width, height, levels}; width 0 = not sent;
  /// values are ignored. Out: motion, structure, labels, palette (labels.levels entries) and
  /// texture filled; the other members untouched.
  ///
  /// Any bytes decode to something: a damaged chunk gives wrong planes (the record's CRC is there
  /// to tell), never a crash, and never an allocation beyond the sizes given. Throws
  /// Error(corrupt) when a size is out of range, when the first frame is not an entry point, when
  /// a frame before this one was left out, or when the decoder has read more than 8 bytes past the
  /// end; after that reset() or an entry point is needed. `stats`, if given, receives the same
  /// figures as in the encoder.
  void decode(std::span<const std::uint8_t> chunk, SemanticFrame& frame,
              EncodeStats* stats = nullptr);

  /// As the encoder's pass(). Throws Error(corrupt) when the first frame is not an entry point.
  void pass(const SemanticFrame& frame);

  /// Forgets everything; the next frame must be an entry point.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semcodec
