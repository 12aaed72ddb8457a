#pragma once
// The later passes of two-pass rate control: one quality for the whole video, and the interval
// trimmed a little wherever the bits run ahead of or behind what the pass before predicted.

#include <cstddef>
#include <vector>

#include "encoder/rate/rate_model.h"

namespace semcodec {

/// What a pass leaves behind: 48 bytes a coded frame.
struct PassRecord {
  std::vector<CodedFrameCost> coded_frames;
  double total = 0;  ///< bits that count, index and end included
  /// Bits beside the coded frames.
  double other() const;
  double coded_frame_bits() const;
};

/// Bits that the coded frames of `record` would take at a constant choice, by the model's slopes.
double bits_at(const PassRecord& record, const RateModel& model, const RateChoice& choice);
/// The quality at which they would take `bits`; not clamped, to tell how far outside it lies.
double solve_quality(const PassRecord& record, const RateModel& model, double bits);

class PlannedControl : public RateControl {
 public:
  static constexpr double kReach = 0.3;  ///< intervals from 0.77 to 1.3 times the planned ones

  /// `bits`: for all coded frames together. `reach`: octaves of trimming at most; more than kReach
  /// also trims from the first coded frame on, which needs a record made at this very quality.
  PlannedControl(const PassRecord& before, const RateModel& model, double quality, double bits,
                 double reach = kReach);

  RateChoice choice() const override { return choice_; }
  void update(const CodedFrameCost& coded_frame) override;

 private:
  struct Step {
    double seconds;
    double bits;  ///< of all coded frames up to here, at the planned quality
  };
  double predicted_bits(double seconds) const;

  RateModel model_;
  double quality_;
  double bits_;
  double reach_;
  std::vector<Step> plan_;
  RateChoice choice_;
  double spent_ = 0;  ///< by the coded frames
  double plain_ = 0;  ///< the same, had the interval not been trimmed
};

}  // namespace semcodec
