#pragma once
// What every kind of rate control does: it is told what each coded frame cost and says how to make
// the next one.
//
// Two levers: the quality, which moves plane sizes in steps, and a factor on the time between
// coded frames, which moves the rate without a step and without a change of the planes' sizes.
// Small corrections are made with the second one, so that pictures keep one look.

namespace semcodec {

struct RateChoice {
  double quality = 60;        ///< 0..100
  double interval_scale = 1;  ///< on the operating point's time between coded frames
};

/// One coded frame as it was written.
struct CodedFrameCost {
  double seconds = 0;  ///< from the first frame of the video to this one
  double bits = 0;     ///< of its record
  double spent = 0;  ///< all bits so far that count towards the target, this coded frame's included
  bool entry_point = false;
  RateChoice choice;  ///< what it was made with
};

class RateControl {
 public:
  virtual ~RateControl() = default;
  virtual RateChoice choice() const = 0;
  virtual void update(const CodedFrameCost& coded_frame) = 0;
  /// Another target from now on, bit/s; what was spent so far counts no more. False: this control
  /// keeps what it has.
  virtual bool set_target(double) { return false; }
};

}  // namespace semcodec
