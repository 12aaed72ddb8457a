// The sender of planes: frame decider and analysis in the caller's thread, frame coder and writer
// in a thread of their own, the governor between them (encoder/stages).

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <future>
#include <limits>
#include <memory>
#include <utility>

#include "common/app/worker_pool.h"
#include "common/core/error.h"
#include "encoder/core/edge_finder.h"
#include "encoder/core/encoder.h"
#include "encoder/stages/frame_coder.h"
#include "encoder/stages/frame_decider.h"
#include "encoder/stages/rate_governor.h"
#include "models/core/device.h"
#include "models/generator/conditions.h"

namespace semcodec {

namespace {

constexpr std::size_t kAhead = 8;  // coded frames that may wait to be coded, a megabyte or two each
constexpr std::size_t kMostAhead = 64;  // frames that are kept to look at
constexpr double kEndless = 10;         // seconds, where nothing says when a scene might end

/// The texture network, as the frame coder calls it.
FrameCoder::Texture texture_of(const EncoderModels& models, const StreamInfo& info) {
  if (models.texture.is_empty()) return {};
  return [texture = models.texture, device = models.device, width = info.coded_width,
          height = info.coded_height](const RgbImage& picture, const SemanticFrame& frame,
                                      int channels) mutable {
    const torch::InferenceMode guard;
    const auto rgb = as_tensor(picture).to(device).to(torch::kFloat32) / 255.0;
    const auto condition = render_condition(frame, width, height).to(device);
    const int levels = texture->config().levels;
    return texture_planes(quantise_texture(texture->forward(rgb, condition), levels), levels,
                          channels);
  };
}

class SemanticEncoder : public Encoder, private FrameDecider::Sink {
 public:
  SemanticEncoder(const EncoderOptions& options, const StreamInfo& info, EncoderModels models,
                  StreamWriter& writer)
      : options_(options),
        info_(info),
        models_(std::move(models)),
        writer_(writer),
        finder_(models_.edges),
        decider_(decider_options(options, info), *this),
        governor_(options.rate_control, options.peak, options.quality),
        coder_({options.profile,
                info.coded_width,
                info.coded_height,
                {info.time_base_num, info.time_base_den},
                options.overrides,
                options.key_codec},
               governor_.quality(), writer.encoder(), finder_.clustering(),
               texture_of(models_, info)),
        motion_(coder_.point().motion),
        worker_(1, [threads = threads_in_use()] { set_threads(threads); }) {
    apply_quality();
  }

  void set_observer(Observer observer) override { observer_ = std::move(observer); }
  std::int64_t frames() const override { return decider_.frames(); }
  const std::optional<LeakyBucket>& peak() const override { return governor_.peak(); }

  void push(RgbImage picture, std::int64_t pts) override {
    require(picture.width == info_.coded_width && picture.height == info_.coded_height,
            ErrorKind::usage, "A frame does not have the coded size.");
    decider_.push(std::move(picture), pts);
  }

  void write(std::function<void(StreamWriter&)> what) override {
    submit(std::make_unique<Job>(), [this, what = std::move(what)] { what(writer_); });
  }

  void request_entry_point() override { decider_.request_entry_point(); }
  bool set_target(double bits_per_second) override {
    settle(0);  // the worker's bits count towards the old target
    return governor_.set_target(bits_per_second);
  }

  void settle() override { settle(0); }

  void finish() override {
    decider_.finish();
    settle(0);
  }

 private:
  /// What the worker does, one after the other.
  struct Job {
    std::unique_ptr<AnalysedFrame> frame;  ///< null: something else is written
    SemanticFrame out;
    CodedFrameReport report;
    std::future<void> done;
  };

  // FrameDecider::Sink, in the caller's thread.

  /// An intra picture is chosen by what follows its frame. It is asked for more frames than need
  /// it: around the end of `keyint`, some wait in vain.
  bool wait(const SourceFrame& next, double seconds, std::size_t frames) override {
    const bool enough =
        frames >= kMostAhead || seconds + frame_seconds() / 2 >= options_.look_ahead;
    return !enough && options_.key_codec && coder_.point().choose_key &&
           decider_.may_be_entry(next);
  }

  void follow(const SourceFrame& frame) override {
    if (governor_.has_peak()) settle(0);
    if (frame.cut) motion_.reset();
    motion_.push(frame.picture);
    // What the last coded frame took decides when the next one comes, unless every frame is one.
    if (governor_.has_control() && coder_.point().interval > 0) settle(0);
  }

  double interval() const override { return coder_.point().interval * governor_.interval_scale(); }
  bool room(double seconds) const override { return governor_.any_fits(seconds); }

  /// `plan`'s frame was followed just before.
  double code(CodedFramePlan plan) override {
    auto frame = std::make_unique<AnalysedFrame>();
    const RgbImage& picture = plan.frame.picture;
    if (plan.entry_point && options_.key_codec && coder_.point().choose_key) {
      frame->horizon = expected_horizon(plan.seconds);
      if (options_.look_ahead > 0) {
        for (const SourceFrame* next : decider_.waiting()) frame->later.push_back(*next);
      }
    }
    // The network runs beside the coding of the coded frames before.
    frame->edges = finder_.find(picture);
    settle(governor_.active() ? 0 : kAhead);
    auto field = motion_.finish();
    if (!plan.entry_point) {
      frame->motion = std::move(field);
      frame->distortion = motion_.distortions();
    }
    frame->room = governor_.room(plan.seconds, plan.entry_point);
    frame->interval_scale = governor_.interval_scale();
    frame->plan = std::move(plan);
    submit_frame(std::move(frame));
    // Under a peak limit the quality that it ends at decides when the next one is due.
    if (governor_.has_peak()) jobs_.back()->done.wait();
    return interval();
  }

  // The worker's side. While jobs are pending, the worker has the coder and the writer to itself,
  // and nobody changes the quality.

  void submit(std::unique_ptr<Job> job, std::function<void()> task) {
    job->done = worker_.submit([this, task = std::move(task)] {
      if (failed_) return;
      failed_ = true;
      task();
      failed_ = false;
    });
    jobs_.push_back(std::move(job));
  }

  void submit_frame(std::unique_ptr<AnalysedFrame> frame) {
    auto job = std::make_unique<Job>();
    job->frame = std::move(frame);
    Job& target = *job;
    submit(std::move(job), [this, &target] { write_frame(target); });
  }

  void write_frame(Job& job) {
    CodedFrame coded = coder_.code(*job.frame);
    writer_.write(coded.frame);
    CodedFrameReport& report = job.report;
    report.pts = coded.frame.pts;
    report.seconds = job.frame->plan.seconds;
    report.bytes = writer_.last_frame_bytes();
    report.stream_bytes = writer_.stats().bytes;
    report.audio_bytes = writer_.stats().audio_bytes;
    report.cost = writer_.last_frame_cost();
    report.key_bytes = coded.frame.intra_picture ? coded.frame.intra_picture->bytes.size() : 0;
    report.quality = coded.quality;
    report.interval_scale = job.frame->interval_scale;
    report.between = coded.frame.interpolated_pts.size();
    report.entry_point = coded.frame.entry_point;
    report.cut = coded.frame.cut;
    report.key = std::move(coded.key);
    job.out = std::move(coded.frame);
  }

  // The caller's side again.

  /// Passes on what finished jobs have brought, and waits until no more than `left` are pending.
  void settle(std::size_t left) {
    constexpr auto kReady = std::future_status::ready;
    while (!jobs_.empty() && (jobs_.size() > left ||
                              jobs_.front()->done.wait_for(std::chrono::seconds(0)) == kReady)) {
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      job->done.get();
      if (!job->frame) continue;
      account(job->report);
      if (observer_) observer_(job->out, job->report);
    }
  }

  void account(const CodedFrameReport& report) {
    if (!governor_.active()) return;
    const auto counted = report.stream_bytes - (options_.count_audio ? 0 : report.audio_bytes);
    governor_.account({report.seconds, 8.0 * static_cast<double>(report.bytes),
                       cost_bits(report.cost.motion), 8.0 * static_cast<double>(counted),
                       report.quality, report.entry_point});
    apply_quality();
  }

  void apply_quality() {
    coder_.set_quality(governor_.quality());
    motion_.set_cell(coder_.point().motion.cell);
    motion_.set_lambda(coder_.point().motion.lambda);
  }

  double frame_seconds() const { return decider_options(options_, info_).frame_seconds; }

  /// Seconds from an entry point to the next or to the end, as far as anything is known of them.
  double expected_horizon(double now) const {
    const double later = now + frame_seconds() / 2;
    double most = options_.keyint > 0 ? options_.keyint : std::numeric_limits<double>::infinity();
    for (const auto* times : {&options_.keys, &options_.entries}) {
      const auto next = std::upper_bound(times->begin(), times->end(), later);
      if (next != times->end()) most = std::min(most, *next - now);
    }
    if (decider_.ended()) {
      most = std::min(most, decider_.since_first(decider_.end_pts()) + frame_seconds() - now);
    } else if (options_.duration && *options_.duration > now) {
      most = std::min(most, *options_.duration - now);
    }
    if (options_.entries.empty() && decider_.scenes() > 0) {
      // Cuts come as often as they did so far.
      const double mean = std::max(now, 1.0) / decider_.scenes();
      most = mean * (1 - std::exp(-most / mean));
    }
    return std::max(std::isfinite(most) ? most : kEndless, frame_seconds() + 0.01);
  }

  const EncoderOptions options_;
  const StreamInfo info_;
  EncoderModels models_;
  StreamWriter& writer_;
  EdgeFinder finder_;
  FrameDecider decider_;
  RateGovernor governor_;
  FrameCoder coder_;
  MotionEstimator motion_;
  Observer observer_;
  std::deque<std::unique_ptr<Job>> jobs_;
  bool failed_ = false;  ///< the worker's: nothing is written after a failure
  WorkerPool worker_;    // last, so that it ends before what it uses
};

}  // namespace

std::unique_ptr<Encoder> make_semantic_encoder(const EncoderOptions& options,
                                               const StreamInfo& info, EncoderModels models,
                                               StreamWriter& writer) {
  return std::make_unique<SemanticEncoder>(options, info, std::move(models), writer);
}

}  // namespace semcodec
