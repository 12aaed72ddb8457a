#pragma once
// First stage of the encoders, in the caller's thread: which frames of the video become coded ones.
//
// A frame does when the interval since the last coded frame is over and something has changed
// since, at a scene cut (the cut frame and the one before it, so that nothing is held), where an
// entry point is wanted, and at the end. The others are interpolated by the receiver; their times
// go with the next coded frame. Frames first wait in a queue as long as the next stage asks for,
// so that it can look ahead.

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "common/core/image.h"
#include "encoder/analysis/change.h"
#include "encoder/analysis/scene_cut.h"
#include "encoder/rate/frame_schedule.h"
#include "semcodec/units.h"

namespace semcodec {

struct SourceFrame {
  RgbImage picture;
  std::int64_t pts = 0;
  bool cut = false;  ///< a scene begins here
};

/// A frame that is to be coded.
struct CodedFramePlan {
  SourceFrame frame;
  double seconds = 0;                          ///< since the first frame of the video
  std::vector<std::int64_t> interpolated_pts;  ///< of the frames since the last coded one, rising
  bool entry_point = false;
};

struct DeciderOptions {
  Rational time_base{1, 1000};  ///< seconds a pts unit
  double frame_seconds = 0;     ///< of a frame; 0 = unknown
  double keyint = 20;           ///< seconds between entry points at most; 0 = only the first
  bool scene_cut = true;        ///< look for scene cuts
  double patience = 3;       ///< intervals that a frame which shows nothing new may wait; 1 = none
  double most_interval = 0;  ///< seconds between coded frames at most; 0 = as the next stage has it
  std::vector<double> keys;  ///< entry points wanted at these seconds
};

class FrameDecider {
 public:
  /// The next stage.
  class Sink {
   public:
    virtual ~Sink() = default;
    /// Whether to leave `next` in the queue, behind which `frames` frames over `seconds` are known.
    /// Not asked once the video has ended.
    virtual bool wait(const SourceFrame& next, double seconds, std::size_t frames) = 0;
    /// Every frame in order, before anything is decided about it.
    virtual void follow(const SourceFrame& /*frame*/) {}
    /// Seconds between coded frames at present.
    virtual double interval() const = 0;
    /// Whether a coded frame may be sent now where nothing forces it.
    virtual bool room(double /*seconds*/) const { return true; }
    /// Codes a frame. Returns the interval after which the next one is due.
    virtual double code(CodedFramePlan plan) = 0;
  };

  /// `sink` outlives the decider.
  FrameDecider(const DeciderOptions& options, Sink& sink);

  /// The next frame; pts rising.
  void push(RgbImage picture, std::int64_t pts);
  /// Has `what` called when everything was decided about the frames pushed so far.
  void after_frames(std::function<void()> what);
  /// Decides about all that waits. The last frame becomes a coded one.
  void finish();
  /// The next frame that is decided about becomes an entry point.
  void request_entry_point() { schedule_.request_key(); }

  /// Whether a frame would become an entry point if it were decided about now.
  bool may_be_entry(const SourceFrame& frame) const;
  /// Frames behind the one in hand that are known.
  std::vector<const SourceFrame*> waiting() const;

  double since_first(std::int64_t pts) const { return seconds(*first_pts_, pts); }
  double seconds(std::int64_t from, std::int64_t to) const {
    return static_cast<double>(to - from) * options_.time_base.num / options_.time_base.den;
  }
  std::int64_t frames() const { return frames_; }
  int scenes() const { return scenes_; }             ///< cuts so far
  bool ended() const { return ended_; }              ///< nothing comes behind end_pts()
  std::int64_t end_pts() const { return end_pts_; }  ///< of the frame pushed last

 private:
  struct Item {
    std::optional<SourceFrame> frame;
    std::function<void()> what;  ///< where there is no frame
  };

  void advance();
  void take(SourceFrame frame);
  void code(SourceFrame frame, bool forced);
  void flush_last();
  bool may_wait(const SourceFrame& frame) const;

  DeciderOptions options_;
  Sink& sink_;
  SceneCutDetector cuts_;
  ChangeDetector change_;
  FrameSchedule schedule_;
  std::deque<Item> queue_;
  std::optional<SourceFrame> last_;         ///< the frame before, not a coded one so far
  std::vector<std::int64_t> interpolated_;  ///< times since the last coded frame, without `last_`
  std::optional<std::int64_t> first_pts_, coded_pts_, entry_pts_;
  std::int64_t frames_ = 0, end_pts_ = 0;
  int scenes_ = 0;
  bool ended_ = false;
};

}  // namespace semcodec
