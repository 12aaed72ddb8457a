// The sender of base pictures.
//
// Each entry point begins a video of its own in the conventional coder, which looks ahead: so a
// frame's record leaves several coded frames late, and what a rate control decides takes effect as
// much later.
//
// Frames first wait in a queue of some seconds, so that the size of the base pictures and the
// interval can be tried at an entry point (base_search.h).

#include <cmath>
#include <deque>
#include <utility>

#include "common/core/error.h"
#include "encoder/core/encoder.h"
#include "encoder/core/hybrid_point.h"
#include "encoder/stages/frame_decider.h"

namespace semcodec {

namespace {

// A new quantiser is signalled (8 bytes) when it is off by this much.
constexpr int kQuantiserStep = 3;
// Quality by which a pass may differ from the one that chose size and interval. After so many
// choices it may be far more, so that the search for a quality comes to an end.
constexpr double kKeepChoice = 8, kKeepLastChoice = 30;
constexpr int kChoices = 3;
// Pictures that wait for a trial.
constexpr std::size_t kMostAheadBytes = std::size_t{256} << 20;

class HybridEncoder : public Encoder, private FrameDecider::Sink {
 public:
  HybridEncoder(const EncoderOptions& options, const StreamInfo& info, StreamWriter& writer)
      : options_(options),
        info_(info),
        writer_(writer),
        decider_(decider_options(options, info), *this) {
    choice_ =
        options.rate_control ? options.rate_control->choice() : RateChoice{options.quality, 1};
  }

  void set_observer(Observer observer) override { observer_ = std::move(observer); }
  std::int64_t frames() const override { return decider_.frames(); }
  const std::optional<LeakyBucket>& peak() const override { return options_.peak; }

  void push(RgbImage picture, std::int64_t pts) override {
    require(picture.width == info_.coded_width && picture.height == info_.coded_height,
            ErrorKind::usage, "A frame does not have the coded size.");
    decider_.push(std::move(picture), pts);
  }

  void write(std::function<void(StreamWriter&)> what) override {
    decider_.after_frames([this, what = std::move(what)]() mutable {
      queue_.push_back({std::nullopt, {}, std::move(what)});
      deliver();
    });
  }

  void request_entry_point() override { decider_.request_entry_point(); }
  bool set_target(double bits_per_second) override {
    if (!options_.rate_control || !options_.rate_control->set_target(bits_per_second)) return false;
    choice_ = options_.rate_control->choice();
    return true;
  }

  void settle() override { deliver(); }

  void finish() override {
    decider_.finish();
    end_group();
    deliver();
  }

 private:
  /// What waits for its base picture or, the function, for the frames before it.
  struct Item {
    std::optional<SemanticFrame> frame;
    RateChoice choice;
    std::function<void(StreamWriter&)> what;
  };
  double search_seconds() const {
    const bool chosen = options_.overrides.base_scale && options_.overrides.interval;
    const bool may = options_.base_decoder && options_.base_look_ahead > 0 && !chosen;
    return may ? options_.base_search : 0;
  }

  /// Frames wait as long as a trial may want to look at them.
  bool wait(const SourceFrame& /*next*/, double seconds, std::size_t frames) override {
    const std::size_t most =
        kMostAheadBytes / (std::size_t{3} * static_cast<std::size_t>(info_.coded_width) *
                           static_cast<std::size_t>(info_.coded_height));
    return seconds < search_seconds() && frames <= most;
  }

  double frame_seconds() const {
    return info_.frame_rate_num > 0
               ? static_cast<double>(info_.frame_rate_den) / info_.frame_rate_num
               : 0.0;
  }
  double interval() const override { return usual_interval() * choice_.interval_scale; }
  /// Without the rate control's trim, which must not change the quantiser.
  double usual_interval() const {
    return options_.overrides.interval.value_or(
        moved_point(point_, point_quality_, choice_.quality).interval);
  }
  /// Ends the conventional coder's video: all of its units are there then.
  void end_group() {
    if (!coder_) return;
    coder_->finish();
    collect();
    require(awaited_ == 0, ErrorKind::internal, "The base pictures' coder left pictures out.");
    coder_.reset();
  }

  /// Chooses the point of the group that begins with this frame.
  void choose_point(const SourceFrame& frame) {
    point_ = hybrid_point(choice_.quality);
    point_quality_ = choice_.quality;
    BaseSegment segment;
    const auto add = [&](const SourceFrame& next) {
      segment.frames.push_back(&next.picture);
      segment.seconds.push_back(decider_.since_first(next.pts));
    };
    add(frame);
    for (const SourceFrame* next : decider_.waiting()) {
      if (next->cut) break;
      add(*next);
    }
    if (search_seconds() == 0 || segment.frames.size() < 3) return;
    const double now = decider_.since_first(frame.pts);
    segment.frame_seconds = frame_seconds();
    // Whatever the length of the video, so that a pipe gives the stream that a file does.
    segment.group_seconds = options_.keyint > 0 ? options_.keyint : segment.group_seconds;
    BaseSearchOptions search;
    search.coder = options_.base_coder;
    search.decoder = options_.base_decoder;
    search.look_ahead = std::min(options_.base_look_ahead, search.look_ahead);
    search.scale = options_.overrides.base_scale;
    search.interval = options_.overrides.interval;
    BaseChoice none;
    auto& known = options_.base_trials
                      ? (*options_.base_trials)[static_cast<std::int64_t>(std::lround(1000 * now))]
                      : none;
    // From pass to pass the choice stays unless the quality moves far: a rate control steers best
    // where the rate has no steps.
    const double keep = known.choices < kChoices ? kKeepChoice : kKeepLastChoice;
    if (known.choices == 0 || std::abs(known.quality - choice_.quality) > keep) {
      known.point = BaseSearch(segment, search, known.tried).best(choice_.quality);
      known.quality = choice_.quality;
      ++known.choices;
    }
    point_ = known.point;
    point_quality_ = known.quality;
  }

  void begin_group(const SourceFrame& frame) {
    end_group();
    choose_point(frame);
    const double scale = options_.overrides.base_scale.value_or(point_.scale);
    BaseCoderOptions coder;
    coder.width = base_side(info_.coded_width, scale);
    coder.height = base_side(info_.coded_height, scale);
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
    const double wanted = options_.overrides.quantiser.value_or(
        hybrid_quantiser(hybrid_lambda(choice_.quality), point_.scale, 1 / usual_interval()));
    const double whole = std::floor(wanted + remainder_ + 0.5);
    remainder_ += wanted - whole;
    if (signalled_ < 0 || std::abs(wanted - signalled_) >= kQuantiserStep) {
      signalled_ = static_cast<int>(std::lround(wanted));
    }
    return static_cast<int>(whole);
  }

  double code(CodedFramePlan plan) override {
    SemanticFrame out;
    out.pts = plan.frame.pts;
    out.interpolated_pts = std::move(plan.interpolated_pts);
    out.cut = plan.frame.cut;
    out.entry_point = plan.entry_point;
    if (out.entry_point) begin_group(plan.frame);
    const int quantiser = next_quantiser();
    out.base = BasePicture{width_, height_, std::clamp(signalled_, 0, kMaxQuantiser), {}};
    const double next = interval();  // as long as nothing is known of this frame's bits
    queue_.push_back({std::move(out), choice_, {}});
    ++awaited_;
    coder_->push(plan.frame.picture, quantiser);
    collect();
    deliver();
    return next;
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
    CodedFrameReport report;
    report.pts = frame.pts;
    report.seconds = decider_.since_first(frame.pts);
    report.bytes = writer_.last_frame_bytes();
    report.stream_bytes = writer_.stats().bytes;
    report.audio_bytes = writer_.stats().audio_bytes;
    report.cost = writer_.last_frame_cost();
    report.base_bytes = writer_.last_base_bytes();
    report.quality = choice.quality;
    report.interval_scale = choice.interval_scale;
    report.between = frame.interpolated_pts.size();
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
  FrameDecider decider_;
  RateChoice choice_;  ///< for the next coded frame
  std::unique_ptr<BaseCoder> coder_;
  HybridPoint point_ = hybrid_point(60);  ///< of the group
  double point_quality_ = 60;             ///< for which it was chosen
  int width_ = 0, height_ = 0;            ///< of the base pictures
  double remainder_ = 0;                  ///< of the quantiser, see next_quantiser()
  int signalled_ = -1;
  std::deque<Item> queue_;
  int awaited_ = 0;  ///< frames in `queue_` without their units
};

}  // namespace

std::unique_ptr<Encoder> make_hybrid_encoder(const EncoderOptions& options, const StreamInfo& info,
                                             StreamWriter& writer) {
  return std::make_unique<HybridEncoder>(options, info, writer);
}

}  // namespace semcodec
