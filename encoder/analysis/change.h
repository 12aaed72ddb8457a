#pragma once
// Has anything happened since the last coded frame?
//
// The picture is averaged over cells of 8 pixels. When fewer than one cell in 500 has moved by more
// than 8 of 255 grey levels in any colour, a frame shows what the last coded frame showed: a coded
// frame would say again what the receiver knows. Means of 64 pixels are far less noisy than that.

#include "common/core/image.h"
#include "encoder/analysis/cells.h"

namespace semcodec {

class ChangeDetector {
 public:
  static constexpr int kCell = 8;
  static constexpr float kLevels = 8;
  static constexpr double kShare = 1.0 / 500;

  /// The picture that others are compared with from now on.
  void remember(const RgbImage& picture);
  /// Share of the cells that have changed, 0..1; 1 before anything was remembered.
  double changed(const RgbImage& picture) const;
  /// Whether `picture` shows no more than what was remembered.
  bool still(const RgbImage& picture) const { return changed(picture) < kShare; }

 private:
  CellColours last_;
};

}  // namespace semcodec
