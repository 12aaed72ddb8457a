// The sender of base pictures.
//
// A frame becomes a coded one when the interval since the last is over and something has changed
// since, at a scene cut (the cut frame and the one before it), and at the end; the stream carries
// the times of the others, which the receiver interpolates. Each entry point begins a video of its
// own in the conventional coder, which looks ahead: so a frame's record leaves several coded frames
// late, and what a rate control decides takes effect as much later.

#include <cmath>
#include <deque>
#include <utility>

#include "common/core/error.h"
#include "encoder/analysis/change.h"
#include "encoder/analysis/scene_cut.h"
#include "encoder/core/encoder.h"
#include "encoder/core/hybrid_point.h"
#include "encoder/rate/anchor_schedule.h"

namespace semcodec {

namespace {

// A new quantiser is signalled (8 bytes) when it is off by this much.
constexpr int kQuantiserStep = 3;

class HybridEncoder : public Encoder {
 public:
  HybridEncoder(const EncoderOptions& options, const StreamInfo& info, StreamWriter& writer)
      : options_(options),
        info_(info),
        writer_(writer),
        schedule_(frame_seconds(), options.most_interval, options.keys) {
    choice_ =
        options.rate_control ? options.rate_control->choice() : RateChoice{options.quality, 1};
  }

  void set_observer(Observer observer) override { observer_ = std::move(observer); }
  std::int64_t frames() const override { return frames_; }
  const std::optional<LeakyBucket>& peak() const override { return options_.peak; }

  void push(RgbImage picture, std::int64_t pts) override {
    require(picture.width == info_.work_width && picture.height == info_.work_height,
            ErrorKind::usage, "A frame does not have the working size.");
    ++frames_;
    if (!first_pts_) first_pts_ = pts;
    const bool cut = cuts_.push(picture).cut && options_.scene_cut && coded_pts_;
    if (cut) {
      // The scene before the cut ends with a coded frame, so that nothing is held.
      flush_last();
    } else if (last_) {
      between_.push_back(last_->pts);
      last_.reset();
    }
    const double now = since_first(pts);
    const bool forced = cut || !coded_pts_ || schedule_.key_due(now) || schedule_.overdue(now) ||
                        between_.size() + 2 >= static_cast<std::size_t>(kMaxBetweenFrames);
    Frame frame{std::move(picture), pts, cut};
    if (forced || (schedule_.due(now, interval()) && !may_wait(frame))) {
      code(std::move(frame), forced);
    } else {
      last_ = std::move(frame);
    }
  }

  void write(std::function<void(StreamWriter&)> what) override {
    queue_.push_back({std::nullopt, {}, std::move(what)});
    deliver();
  }

  void request_entry_point() override { schedule_.request_key(); }
  bool set_target(double bits_per_second) override {
    if (!options_.rate_control || !options_.rate_control->set_target(bits_per_second)) return false;
    choice_ = options_.rate_control->choice();
    return true;
  }

  void settle() override { deliver(); }

  void finish() override {
    flush_last();
    end_group();
    deliver();
  }

 private:
  struct Frame {
    RgbImage picture;
    std::int64_t pts = 0;
    bool cut = false;
  };
  /// What waits for its base picture or, the function, for the frames before it.
  struct Item {
    std::optional<SemanticFrame> frame;
    RateChoice choice;
    std::function<void(StreamWriter&)> what;
  };

  double seconds(std::int64_t from, std::int64_t to) const {
    return static_cast<double>(to - from) * info_.time_base_num / info_.time_base_den;
  }
  double since_first(std::int64_t pts) const { return seconds(*first_pts_, pts); }
  double frame_seconds() const {
    return info_.frame_rate_num > 0
               ? static_cast<double>(info_.frame_rate_den) / info_.frame_rate_num
               : 0.0;
  }
  double interval() const {
    const double wanted =
        options_.overrides.interval.value_or(hybrid_point(choice_.quality).interval);
    return wanted * choice_.interval_scale;
  }
  bool may_wait(const Frame& frame) const {
    return seconds(*coded_pts_, frame.pts) + frame_seconds() / 2 < options_.patience * interval() &&
           change_.still(frame.picture);
  }

  void flush_last() {
    if (last_) code(*std::exchange(last_, std::nullopt), true);
  }

  /// Ends the conventional coder's video: all of its units are there then.
  void end_group() {
    if (!coder_) return;
    coder_->finish();
    collect();
    require(awaited_ == 0, ErrorKind::internal, "The base pictures' coder left pictures out.");
    coder_.reset();
  }

  void begin_group() {
    end_group();
    const auto point = hybrid_point(choice_.quality);
    const double scale = options_.overrides.base_scale.value_or(point.scale);
    BaseCoderOptions coder;
    coder.width = base_side(info_.work_width, scale);
    coder.height = base_side(info_.work_height, scale);
    coder.rate = 1 / std::max(interval(), std::max(frame_seconds(), 1e-3));
    coder.look_ahead = options_.base_look_ahead;
    coder.effort = options_.base_effort;
    coder_ = options_.base_coder(coder);
    width_ = coder.width;
    height_ = coder.height;
    remainder_ = 0;
    signalled_ = -1;
  }

  /// The quantiser of the next picture: whole numbers whose mean is the one wanted.
  int next_quantiser() {
    const double wanted =
        options_.overrides.quantiser.value_or(hybrid_point(choice_.quality).quantiser);
    const double whole = std::floor(wanted + remainder_ + 0.5);
    remainder_ += wanted - whole;
    if (signalled_ < 0 || std::abs(wanted - signalled_) >= kQuantiserStep) {
      signalled_ = static_cast<int>(std::lround(wanted));
    }
    return static_cast<int>(whole);
  }

  void code(Frame frame, bool forced) {
    const double now = since_first(frame.pts);
    SemanticFrame out;
    out.pts = frame.pts;
    out.between_pts = std::exchange(between_, {});
    out.cut = frame.cut;
    const bool due =
        !entry_pts_ || (options_.keyint > 0 && seconds(*entry_pts_, frame.pts) >= options_.keyint);
    out.entry_point = due || frame.cut || schedule_.key_due(now);
    if (out.entry_point) {
      entry_pts_ = frame.pts;
      begin_group();
    }
    const int quantiser = next_quantiser();
    out.base = BasePicture{width_, height_, std::clamp(signalled_, 0, kMaxQuantiser), {}};
    if (options_.patience > 1) change_.remember(frame.picture);
    coded_pts_ = frame.pts;
    schedule_.sent(now, interval(), forced);
    queue_.push_back({std::move(out), choice_, {}});
    ++awaited_;
    coder_->push(frame.picture, quantiser);
    collect();
    deliver();
  }

  /// Gives coded units to the frames that wait for them.
  void collect() {
    while (auto unit = coder_->pop()) {
      for (Item& item : queue_) {
        if (!item.frame || !item.frame->base->bytes.empty()) continue;
        item.frame->base->bytes = std::move(*unit);
        --awaited_;
        break;
      }
    }
  }

  /// Writes everything up to the first frame that still waits.
  void deliver() {
    while (!queue_.empty()) {
      Item& front = queue_.front();
      if (front.frame && front.frame->base->bytes.empty()) return;
      const Item item = std::move(front);
      queue_.pop_front();
      if (item.frame) {
        write_frame(*item.frame, item.choice);
      } else {
        item.what(writer_);
      }
    }
  }

  void write_frame(const SemanticFrame& frame, const RateChoice& choice) {
    writer_.write(frame);
    AnchorReport report;
    report.pts = frame.pts;
    report.seconds = since_first(frame.pts);
    report.bytes = writer_.last_frame_bytes();
    report.stream_bytes = writer_.stats().bytes;
    report.audio_bytes = writer_.stats().audio_bytes;
    report.cost = writer_.last_frame_cost();
    report.base_bytes = frame.base->bytes.size();
    report.quality = choice.quality;
    report.interval_scale = choice.interval_scale;
    report.between = frame.between_pts.size();
    report.entry_point = frame.entry_point;
    report.cut = frame.cut;
    if (options_.peak) options_.peak->add(report.seconds, 8.0 * static_cast<double>(report.bytes));
    if (options_.rate_control) {
      const auto counted = report.stream_bytes - (options_.count_audio ? 0 : report.audio_bytes);
      options_.rate_control->update({report.seconds, 8.0 * static_cast<double>(report.bytes),
                                     8.0 * static_cast<double>(counted), report.entry_point,
                                     choice});
      choice_ = options_.rate_control->choice();
    }
    if (observer_) observer_(frame, report);
  }

  EncoderOptions options_;
  StreamInfo info_;
  StreamWriter& writer_;
  Observer observer_;
  SceneCutDetector cuts_;
  ChangeDetector change_;
  AnchorSchedule schedule_;
  RateChoice choice_;  ///< for the next coded frame
  std::unique_ptr<BaseCoder> coder_;
  int width_ = 0, height_ = 0;  ///< of the base pictures
  double remainder_ = 0;        ///< of the quantiser, see next_quantiser()
  int signalled_ = -1;
  std::deque<Item> queue_;
  int awaited_ = 0;                    ///< frames in `queue_` without their units
  std::optional<Frame> last_;          ///< the frame pushed before, not a coded one so far
  std::vector<std::int64_t> between_;  ///< times after the last coded frame, `last_` not included
  std::optional<std::int64_t> coded_pts_, entry_pts_, first_pts_;
  std::int64_t frames_ = 0;
};

}  // namespace

std::unique_ptr<Encoder> make_hybrid_encoder(const EncoderOptions& options, const StreamInfo& info,
                                             StreamWriter& writer) {
  return std::make_unique<HybridEncoder>(options, info, writer);
}

}  // namespace semcodec
