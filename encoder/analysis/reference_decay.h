#pragma once
// How long a picture stays of use to a receiver that remembers it.
//
// Planes say colours by the cell; what they leave out is the detail within a cell (8 x 8 pixels of
// luma, at half the size). A remembered picture says some of that detail again wherever motion
// takes it to: all that survives blur, turning, growing and what comes into view. Its share of the
// detail falls as the picture moves away, about by the same factor every second.

#include <memory>
#include <vector>

#include "common/core/image.h"

namespace semcodec {

class ReferenceDecay {
 public:
  /// `first` is the picture to be remembered.
  explicit ReferenceDecay(const RgbImage& first);
  ~ReferenceDecay();
  ReferenceDecay(ReferenceDecay&&) noexcept;
  ReferenceDecay& operator=(ReferenceDecay&&) noexcept;

  /// The next picture, `seconds` after the first one. Throws Error(usage) on another size.
  void push(const RgbImage& picture, double seconds);

  /// Mean distance of the first picture's luma from its cells' means, 0..255.
  double detail() const;
  /// Share of that detail which `coded`, the first picture as a codec left it, still has, 0..1.
  double fidelity(const RgbImage& coded) const;

  struct Sample {
    double seconds;  ///< since the first picture
    double share;    ///< of this picture's detail that the first one, moved, says; 0..1
  };
  const std::vector<Sample>& samples() const;

  /// 1/s: shares fall as e^(-rate · seconds), times what noise leaves of them from the start.
  /// Fitted to the samples; 0 for fewer than two.
  double rate() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semcodec
