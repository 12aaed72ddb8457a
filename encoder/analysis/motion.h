#pragma once
// Coarse backward motion between two coded frames, from dense optical flow (DIS, Kroeger et al.,
// ECCV 2016, as in OpenCV).
//
// The interpolated frames are pushed one by one. Two estimates compete for each cell:
// the chain of the small motions from frame to frame, which survives large displacements, and the
// direct flow between the two coded frames, which does not drift. The one that explains the new
// coded frame better (sum of absolute differences of the warped previous coded frame) wins, and a
// rate-aware pass then trades the fit against the bits that a vector costs beyond its median
// prediction.

#include <functional>
#include <memory>

#include "common/core/image.h"
#include "semcodec/planes.h"

namespace semcodec {

struct MotionOptions {
  enum class Preset { ultrafast, fast, medium };

  int cell = 16;                 ///< side of a motion cell in pixels: 4..64
  Preset preset = Preset::fast;  ///< of the dense flow
  bool half_size = true;         ///< dense flow at half the coded size
  float lambda = 0.5F;           ///< cost of a bit of a vector, in units of the mean absolute
                                 ///< luma difference (0..255) of its cell; 0 keeps the best fit
  int passes = 4;                ///< sweeps of the rate-aware pass
  bool direct = true;            ///< let the direct flow compete with the chain
};

class MotionEstimator {
 public:
  /// Throws Error(usage) when an option is out of its range.
  explicit MotionEstimator(const MotionOptions& options = {});
  ~MotionEstimator();
  MotionEstimator(MotionEstimator&&) noexcept;
  MotionEstimator& operator=(MotionEstimator&&) noexcept;

  /// Takes the next frame in display order. The first one after construction or reset() is the
  /// first coded frame. All frames have one size; throws Error(usage) otherwise.
  void push(const RgbImage& frame);

  /// Makes the frame pushed last the new coded frame and returns its backward motion to the coded
  /// frame before it: round(width / cell) × round(height / cell) vectors in quarter pixels. The
  /// field is empty when there is no earlier coded frame (the frame is the first one).
  MotionField finish();

  /// How badly a vector explains a cell of the field that finish() returned last: mean absolute
  /// luma difference, 0..255. That field must not have been empty.
  float distortion(int x, int y, int dx, int dy) const;

  /// The same as a function of its own, for another thread: it goes on with that field while this
  /// object takes the next frames.
  std::function<float(int x, int y, int dx, int dy)> distortions() const;

  /// Forgets everything: call at cuts.
  void reset();

  /// Another size of the cells, from the next finish() on. Throws Error(usage) out of 4..64.
  void set_cell(int cell);
  /// Another cost of bits, likewise; not negative.
  void set_lambda(float lambda);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Motion straight from `current` back to `previous`, without interpolated frames.
MotionField estimate_motion(const RgbImage& previous, const RgbImage& current,
                            const MotionOptions& options = {});

}  // namespace semcodec
