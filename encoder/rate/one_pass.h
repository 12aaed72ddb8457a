#pragma once
// One-pass rate control: steers towards a bit rate while the video goes by.
//
// After each coded frame the rate of the scene is learnt (as its distance from the model, in
// octaves), and the next coded frames get what brings the total to the target at the horizon: the
// end of the video when that is known and near, else some seconds ahead.

#include <optional>

#include "encoder/rate/rate_model.h"

namespace semcodec {

class OnePassControl : public RateControl {
 public:
  struct Options {
    double target = 8000;            ///< bit/s over all that counts
    std::optional<double> duration;  ///< seconds of video, when known
    double tail_bits = 240;          ///< what follows the last coded frame: the index and the end
  };

  OnePassControl(const Options& options, const RateModel& model);

  RateChoice choice() const override { return choice_; }
  void update(const CodedFrameCost& coded_frame) override;
  bool set_target(double bits_per_second) override;

 private:
  double allowed(const CodedFrameCost& coded_frame) const;

  Options options_;
  RateModel model_;
  RateChoice choice_;
  double scene_ = 0;                     ///< octaves of this video above the model
  int learnt_ = 0;                       ///< coded frames behind that figure
  double last_ = 0;                      ///< seconds of the last coded frame
  double spent_ = 0;                     ///< CodedFrameCost::spent of it
  double since_ = 0, spent_before_ = 0;  ///< the same when the target was set
  double coded_frame_bits_ = 0;
  std::optional<double>
      first_other_;  ///< bits beside the coded frames when the first one was written
};

}  // namespace semcodec
