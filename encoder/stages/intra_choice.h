#pragma once
// Which intra picture an entry point gets: none, or one of a few qualities.

#include <deque>
#include <functional>
#include <vector>

#include "common/core/image.h"
#include "encoder/analysis/reference_decay.h"
#include "encoder/rate/intra_gain.h"
#include "semcodec/planes.h"

namespace semcodec {

/// An ordinary codec for pictures of the coded size. The program supplies it, since it is
/// libav's.
struct KeyCodec {
  /// `quality` is 0..100. `fast`: a tenth of the time, nearly the size and quality of the other.
  std::function<IntraPicture(const RgbImage&, int quality, bool fast)> encode;
  std::function<RgbImage(const IntraPicture&, int width, int height)> decode;
  explicit operator bool() const { return static_cast<bool>(encode); }
};

/// What was known about an entry point when its intra picture was chosen, and the choice.
struct KeyReport {
  KeyScene scene;
  std::vector<KeyOption> options;  ///< the first one is none
  std::size_t chosen = 0;          ///< counts in `options`
};

/// Codes one picture at a few qualities, and says which is worth its bits.
class KeyTrial {
 public:
  /// `ahead`: the pictures that follow, with their times after `picture`; none where nobody can
  /// know them. `life`: seconds until the next entry point or the end, as far as that is known.
  struct Later {
    const RgbImage* picture;
    double seconds;
  };
  KeyTrial(const RgbImage& picture, const std::vector<Later>& ahead, double life,
           const KeyCodec& codec);

  /// At a quality of the ladder; `plane_bits`: of this coded frame's planes; `interval`: seconds
  /// between coded frames; `room`: bits that the intra picture may take at most.
  KeyReport choose(double quality, double plane_bits, double interval, double room) const;

 private:
  KeyScene scene_;
  std::vector<KeyOption> options_;
};

}  // namespace semcodec
