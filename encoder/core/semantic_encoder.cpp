#include "encoder/core/encoder.h"

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
#include "common/entropy/frame_coder.h"
#include "encoder/analysis/change.h"
#include "encoder/analysis/scene_cut.h"
#include "encoder/core/edge_finder.h"
#include "encoder/rate/frame_schedule.h"
#include "models/core/device.h"
#include "models/generator/conditions.h"

namespace semcodec {

namespace {

constexpr std::size_t kAhead = 8;  // coded frames that may wait to be coded, a megabyte or two each
// Bits of a coded frame's record beside planes and intra picture, about; entry points tell formats.
constexpr double kRecordBits = 80;
constexpr double kEntryBits = 350;
constexpr std::size_t kMostAhead = 64;  // frames that are kept to look at
constexpr double kEndless = 10;         // seconds, where nothing says when a scene might end

/// In 1/65536 bit; `lambda` = the distortion that is worth a bit.
std::uint32_t cost_of(float distortion, float lambda) {
  return static_cast<std::uint32_t>(65536.0F * std::min(distortion / lambda, 10000.0F));
}

bool same(const ColourOptions& a, const ColourOptions& b) {
  return a.cell == b.cell && a.clusters == b.clusters;
}

}  // namespace

namespace {

struct State {
  State(const EncoderOptions& o, const StreamInfo& i, EncoderModels m, StreamWriter& w)
      : options(o),
        info(i),
        models(std::move(m)),
        writer(w),
        finder(models.edges),
        point(point_at(o.quality)),
        colour(point.colour, finder.clustering()),
        motion(point.motion),
        schedule(frame_seconds(), o.most_interval, o.keys),
        worker(1, [threads = threads_in_use()] { set_threads(threads); }) {
    choice = o.rate_control ? o.rate_control->choice() : RateChoice{o.quality, 1};
    apply_quality(choice.quality);
  }

  struct Frame {
    RgbImage picture;
    std::int64_t pts = 0;
    bool cut = false;      ///< the scene begins here; once `checked`
    bool checked = false;  ///< compared with the frame before
  };

  /// A coded frame on its way to the writer.
  struct CodedFrame {
    Frame frame;
    std::unique_ptr<EdgeMap> edges;  ///< they do not depend on the quality
    SemanticFrame out;               ///< with its times and its motion
    std::function<float(int x, int y, int dx, int dy)> distortion;  ///< of the motion
    std::vector<Frame> later;  ///< of an entry point: what follows, as far as it is known
    double life = 0;           ///< of an entry point: expected_horizon()
    CodedFrameReport report;
  };

  /// What the worker does, one after the other.
  struct Job {
    std::unique_ptr<CodedFrame> coded_frame;  ///< null: something else is written
    std::future<void> done;
  };

  EncoderOptions options;
  StreamInfo info;
  EncoderModels models;
  StreamWriter& writer;
  EdgeFinder finder;
  OperatingPoint point;
  ColourAnalyser colour;
  MotionEstimator motion;
  SceneCutDetector cuts;
  ChangeDetector change;
  FrameSchedule schedule;
  RateChoice choice;                ///< for the next coded frame
  double quality = 0;               ///< of `point`
  double least_bits = 0;            ///< what a coded frame at quality 0 takes, about
  double ceiling = 100;             ///< quality that the peak limit let through lately
  bool ended = false;               ///< the frame at `end_pts` is the last one
  std::int64_t end_pts = 0;         ///< of the frame pushed last
  int scenes = 0;                   ///< cuts so far
  std::optional<KeyTrial> trial;    ///< of the entry point in hand
  std::optional<KeyReport> chosen;  ///< its intra picture, where chosen by content
  Encoder::Observer observer;

  std::deque<Frame> ahead;            ///< pushed, but nothing was done with them yet
  std::optional<Frame> last;          ///< the frame pushed before, not yet a coded frame itself
  std::vector<std::int64_t> between;  ///< times after the last coded frame, `last` not included
  std::optional<std::int64_t> coded_frame_pts, entry_pts, first_pts;
  std::int64_t frames = 0;

  // While jobs are pending, the worker has the colour analyser, the texture network and the writer
  // to itself, and nobody changes the operating point.
  std::deque<Job> jobs;
  bool failed = false;  ///< the worker's: nothing is written after a failure
  WorkerPool worker;    // last, so that it ends before what it uses

  double seconds(std::int64_t from, std::int64_t to) const {
    return static_cast<double>(to - from) * info.time_base_num / info.time_base_den;
  }

  double since_first(std::int64_t pts) const { return seconds(*first_pts, pts); }
  double frame_seconds() const {
    return info.frame_rate_num > 0 ? static_cast<double>(info.frame_rate_den) / info.frame_rate_num
                                   : 0.0;
  }
  /// Whether what a coded frame took decides about the next ones.
  bool rate_controlled() const { return options.rate_control || options.peak; }
  double interval() const { return point.interval * choice.interval_scale; }

  OperatingPoint point_at(double at) const {
    auto next = operating_point(options.profile, at, info.coded_width, info.coded_height);
    options.overrides.apply(next);
    return next;
  }

  void apply_quality(double wanted) {
    quality = wanted;
    auto next = point_at(quality);
    if (!same(next.colour, point.colour)) colour = ColourAnalyser(next.colour, finder.clustering());
    motion.set_cell(next.motion.cell);
    motion.set_lambda(next.motion.lambda);
    point = std::move(next);
  }

  /// Says what the other planes of `frame` leave out.
  std::vector<Plane> analyse_texture(const RgbImage& picture, const SemanticFrame& frame) {
    if (models.texture.is_empty() || point.texture_channels == 0) return {};
    const torch::InferenceMode guard;
    const auto rgb = as_tensor(picture).to(models.device).to(torch::kFloat32) / 255.0;
    const auto condition =
        render_condition(frame, info.coded_width, info.coded_height).to(models.device);
    const int levels = models.texture->config().levels;
    return texture_planes(quantise_texture(models.texture->forward(rgb, condition), levels), levels,
                          point.texture_channels);
  }

  /// Lets vectors give way where what they gain is not worth their bits.
  void choose_vectors(CodedFrame& coded_frame) const {
    SemanticFrame& out = coded_frame.out;
    const float lambda = point.motion.lambda;
    if (out.motion.empty() || lambda <= 0) return;
    PlaneCosts costs;
    costs.motion = [&](int x, int y, int dx, int dy) {
      return cost_of(coded_frame.distortion(x, y, dx, dy), lambda);
    };
    writer.encoder().choose(out, costs);
  }

  /// Lets lines give way where what they say is not worth their bits.
  void choose_structure(SemanticFrame& out, const StructureMap& lines) const {
    const float lambda = point.structure.lambda;
    if (lambda <= 0) return;
    PlaneCosts costs;
    const auto distortions = lines.distortions();
    costs.structure.reserve(distortions.size());
    for (const float distortion : distortions)
      costs.structure.push_back(cost_of(distortion, lambda));
    writer.encoder().choose(out, costs);
  }

  /// Everything of a coded frame but its times and motion, at the present quality.
  void describe(CodedFrame& coded_frame) {
    SemanticFrame& out = coded_frame.out;
    const Frame& frame = coded_frame.frame;
    auto map = colour.analyse(frame.picture, out.motion.empty() ? nullptr : &out.motion);
    out.labels = std::move(map.labels);
    out.palette = std::move(map.palette);
    const auto lines = map_structure(*coded_frame.edges, point.structure);
    out.structure = lines.plane;
    choose_structure(out, lines);
    out.texture = analyse_texture(frame.picture, out);
    send_key(coded_frame);
  }

  /// Seconds from an entry point to the next or to the end, as far as anything is known of them.
  double expected_horizon(double now) const {
    const double later = now + frame_seconds() / 2;
    double most = options.keyint > 0 ? options.keyint : std::numeric_limits<double>::infinity();
    for (const auto* times : {&options.keys, &options.entries}) {
      const auto next = std::upper_bound(times->begin(), times->end(), later);
      if (next != times->end()) most = std::min(most, *next - now);
    }
    if (ended) {
      most = std::min(most, since_first(end_pts) + frame_seconds() - now);
    } else if (options.duration && *options.duration > now) {
      most = std::min(most, *options.duration - now);
    }
    if (options.entries.empty() && scenes > 0) {
      // Cuts come as often as they did so far.
      const double mean = std::max(now, 1.0) / scenes;
      most = mean * (1 - std::exp(-most / mean));
    }
    return std::max(std::isfinite(most) ? most : kEndless, frame_seconds() + 0.01);
  }

  /// Keeps for the worker what an entry point's intra picture is chosen by: the frames after it go
  /// on to become coded frames themselves meanwhile.
  void look_ahead(CodedFrame& coded_frame, const Frame& frame) const {
    coded_frame.life = expected_horizon(since_first(frame.pts));
    if (options.look_ahead > 0) coded_frame.later.assign(ahead.begin(), ahead.end());
  }

  /// Codes the picture of an entry point in several qualities, once.
  void try_keys(const CodedFrame& coded_frame) {
    std::vector<KeyTrial::Later> later;
    for (const Frame& next : coded_frame.later) {
      later.push_back({&next.picture, seconds(coded_frame.frame.pts, next.pts)});
    }
    trial.emplace(coded_frame.frame.picture, later, coded_frame.life, options.key_codec);
  }

  /// Adds the intra picture to an entry point whose planes are there.
  void send_key(CodedFrame& coded_frame) {
    SemanticFrame& out = coded_frame.out;
    const Frame& frame = coded_frame.frame;
    out.intra_picture.reset();
    chosen.reset();
    if (!out.entry_point || !options.key_codec) return;
    int wanted = point.key_quality;
    if (point.choose_key) {
      if (!trial) try_keys(coded_frame);
      const double planes = cost_bits(writer.encoder().cost(out));
      const double room = options.peak
                              ? peak_room(since_first(frame.pts), true) - planes - kEntryBits
                              : std::numeric_limits<double>::infinity();
      chosen = trial->choose(quality, planes, interval(), room);
      wanted = chosen->options[chosen->chosen].quality;
    }
    if (wanted >= 0) out.intra_picture = options.key_codec.encode(frame.picture, wanted, false);
  }

  /// Bits that a coded frame may take now. A quarter of the bucket is kept for entry points, which
  /// come when a scene cut wants them and cannot wait.
  double peak_room(double now, bool entry_point) const {
    const double kept = entry_point ? 0.0 : 0.25 * options.peak->size();
    return options.peak->room(now) - kept;
  }

  /// Describes the coded frame again at lower qualities until it fits the peak limit. `before` is
  /// the colour analyser as it was before the coded frame.
  void fit_peak(CodedFrame& coded_frame, const ColourAnalyser& before) {
    const SemanticFrame& out = coded_frame.out;
    const double room = peak_room(since_first(out.pts), out.entry_point);
    for (double bits = record_bits(out); bits > room && quality > 0; bits = record_bits(out)) {
      // At least four steps, else about as many as the sizes ask for.
      const double steps = std::max(4.0, 20 * std::log2(bits / std::max(room, 1.0)));
      apply_quality(std::max(0.0, quality - steps));
      if (same(before.options(), point.colour)) colour = before;
      describe(coded_frame);
    }
  }

  /// What the coded frame's record would take now.
  double record_bits(const SemanticFrame& frame) const {
    const double key =
        frame.intra_picture ? 8.0 * static_cast<double>(frame.intra_picture->bytes.size()) : 0.0;
    return cost_bits(writer.encoder().cost(frame)) + key +
           (frame.entry_point ? kEntryBits : kRecordBits);
  }

  /// Tells the rate control and the peak limit what a coded frame cost.
  void account(const CodedFrameReport& report) {
    if (!rate_controlled()) return;
    const double bits = 8.0 * static_cast<double>(report.bytes);
    if (options.peak) {
      options.peak->add(report.seconds, bits);
      if (!report.entry_point) {
        // Motion hardly shrinks with the quality, the rest of the planes does.
        const double motion_bits = cost_bits(report.cost.motion);
        least_bits =
            motion_bits + kRecordBits + 0.25 * std::max(0.0, bits - motion_bits - kRecordBits);
        // Planes that shrink and grow with every coded frame look worse than small ones.
        const bool lowered = quality < std::min(choice.quality, ceiling);
        ceiling = lowered ? quality : std::min(100.0, ceiling + 1.5);
      }
    }
    if (options.rate_control) {
      const auto counted = report.stream_bytes - (options.count_audio ? 0 : report.audio_bytes);
      options.rate_control->update({report.seconds,
                                    bits,
                                    8.0 * static_cast<double>(counted),
                                    report.entry_point,
                                    {quality, choice.interval_scale}});
      choice = options.rate_control->choice();
    }
    apply_quality(std::min(choice.quality, ceiling));
  }

  /// What is left to do for a coded frame when its edges and its motion are known.
  void code(CodedFrame& coded_frame) {
    SemanticFrame& out = coded_frame.out;
    if (out.cut) colour.reset();
    choose_vectors(coded_frame);
    std::optional<ColourAnalyser> before;
    if (options.peak) before = colour;
    trial.reset();
    describe(coded_frame);
    if (before) fit_peak(coded_frame, *before);
    writer.write(out);
    CodedFrameReport& report = coded_frame.report;
    report.pts = out.pts;
    report.seconds = since_first(out.pts);
    report.bytes = writer.last_frame_bytes();
    report.stream_bytes = writer.stats().bytes;
    report.audio_bytes = writer.stats().audio_bytes;
    report.cost = writer.last_frame_cost();
    report.key_bytes = out.intra_picture ? out.intra_picture->bytes.size() : 0;
    report.quality = quality;
    report.interval_scale = choice.interval_scale;
    report.between = out.interpolated_pts.size();
    report.entry_point = out.entry_point;
    report.cut = out.cut;
    report.key = std::move(chosen);
  }

  void submit(std::unique_ptr<CodedFrame> coded_frame, std::function<void()> task) {
    auto done = worker.submit([this, task = std::move(task)] {
      if (failed) return;
      failed = true;
      task();
      failed = false;
    });
    jobs.push_back({std::move(coded_frame), std::move(done)});
  }

  /// Makes `frame` a coded frame. It was pushed to the motion estimation just before.
  void write_coded_frame(Frame frame, bool forced) {
    auto coded_frame = std::make_unique<CodedFrame>();
    SemanticFrame& out = coded_frame->out;
    out.pts = frame.pts;
    out.interpolated_pts = std::exchange(between, {});
    out.cut = frame.cut;
    const double now = since_first(frame.pts);
    const bool due =
        !entry_pts || (options.keyint > 0 && seconds(*entry_pts, frame.pts) >= options.keyint);
    out.entry_point = due || frame.cut || schedule.key_due(now);
    if (options.patience > 1) change.remember(frame.picture);
    coded_frame_pts = frame.pts;
    if (out.entry_point) {
      entry_pts = frame.pts;
      if (options.key_codec && point.choose_key) look_ahead(*coded_frame, frame);
    }
    // The network runs beside the coding of the coded frames before.
    coded_frame->edges = finder.find(frame.picture);
    coded_frame->frame = std::move(frame);
    settle(rate_controlled() ? 0 : kAhead);
    auto field = motion.finish();
    if (!out.entry_point) {
      out.motion = std::move(field);
      coded_frame->distortion = motion.distortions();
    }
    CodedFrame& target = *coded_frame;
    submit(std::move(coded_frame), [this, &target] { code(target); });
    // Under a peak limit what it takes decides about the very next frame, and so does the quality
    // that it ends at.
    if (options.peak) jobs.back().done.wait();
    schedule.sent(now, interval(), forced);
    if (options.peak) settle(0);
  }

  /// Passes on what finished jobs have brought, and waits until no more than `left` are pending.
  void settle(std::size_t left) {
    constexpr auto kReady = std::future_status::ready;
    while (!jobs.empty() &&
           (jobs.size() > left || jobs.front().done.wait_for(std::chrono::seconds(0)) == kReady)) {
      Job job = std::move(jobs.front());
      jobs.pop_front();
      job.done.get();
      if (!job.coded_frame) continue;
      account(job.coded_frame->report);
      if (observer) observer(job.coded_frame->out, job.coded_frame->report);
    }
  }

  /// Whether a coded frame that is due may wait: it would show what the last one showed.
  bool may_wait(const Frame& frame) const {
    return seconds(*coded_frame_pts, frame.pts) + frame_seconds() / 2 <
               options.patience * interval() &&
           change.still(frame.picture);
  }

  /// Whether an intra picture may have to be chosen for the next frame. It is asked for more frames
  /// than need it: around the end of `keyint`, some wait in vain.
  bool may_be_entry(const Frame& frame) const {
    if (!options.key_codec || !point.choose_key) return false;
    return !coded_frame_pts || frame.cut || schedule.key_due(since_first(frame.pts)) ||
           (options.keyint > 0 && seconds(*entry_pts, frame.pts) >= options.keyint);
  }

  /// Works off what was pushed; as long as more may come, not an entry point of which too little is
  /// known.
  void go_on(bool all) {
    ended = all;
    if (!ahead.empty()) end_pts = ahead.back().pts;
    while (!ahead.empty()) {
      Frame& next = ahead.front();
      if (!first_pts) first_pts = next.pts;
      if (!next.checked) {
        next.cut = cuts.push(next.picture).cut && options.scene_cut && coded_frame_pts;
        next.checked = true;
      }
      const bool enough =
          ahead.size() > kMostAhead ||
          seconds(next.pts, ahead.back().pts) + frame_seconds() / 2 >= options.look_ahead;
      if (!all && !enough && may_be_entry(next)) return;
      Frame frame = std::move(next);
      ahead.pop_front();
      take(std::move(frame));
    }
  }

  void take(Frame frame) {
    if (frame.cut) {
      // The scene before the cut ends with a coded frame of its own, so that nothing is held.
      flush_last();
      motion.reset();
      ++scenes;
    } else if (last) {
      between.push_back(last->pts);
      last.reset();
    }
    motion.push(frame.picture);
    // What the last coded frame took decides when the next one comes, unless every frame is one.
    if (options.rate_control && point.interval > 0) settle(0);
    const double now = since_first(frame.pts);
    const bool forced = frame.cut || !coded_frame_pts || schedule.key_due(now) ||
                        schedule.overdue(now) ||
                        between.size() + 2 >= static_cast<std::size_t>(kMaxInterpolatedFrames);
    const bool room = !options.peak || peak_room(now, false) >= least_bits;
    if (forced || (room && schedule.due(now, interval()) && !may_wait(frame))) {
      write_coded_frame(std::move(frame), forced);
    } else {
      last = std::move(frame);
    }
  }

  void flush_last() {
    if (!last) return;
    write_coded_frame(std::move(*std::exchange(last, std::nullopt)), true);
  }
};

class SemanticEncoder : public Encoder {
 public:
  SemanticEncoder(const EncoderOptions& options, const StreamInfo& info, EncoderModels models,
                  StreamWriter& writer)
      : state_(options, info, std::move(models), writer) {}

  void set_observer(Observer observer) override { state_.observer = std::move(observer); }
  std::int64_t frames() const override { return state_.frames; }
  const std::optional<LeakyBucket>& peak() const override { return state_.options.peak; }

  void push(RgbImage picture, std::int64_t pts) override {
    require(picture.width == state_.info.coded_width && picture.height == state_.info.coded_height,
            ErrorKind::usage, "A frame does not have the coded size.");
    ++state_.frames;
    state_.ahead.push_back({std::move(picture), pts});
    state_.go_on(false);
  }

  void write(std::function<void(StreamWriter&)> what) override {
    state_.submit(nullptr, [this, what = std::move(what)] { what(state_.writer); });
  }

  void request_entry_point() override { state_.schedule.request_key(); }
  bool set_target(double bits_per_second) override {
    state_.settle(0);  // the coding thread has the control until then
    auto& control = state_.options.rate_control;
    if (!control || !control->set_target(bits_per_second)) return false;
    state_.choice = control->choice();
    return true;
  }

  void settle() override { state_.settle(0); }

  void finish() override {
    state_.go_on(true);
    state_.flush_last();
    state_.settle(0);
  }

 private:
  State state_;
};

}  // namespace

std::unique_ptr<Encoder> make_semantic_encoder(const EncoderOptions& options,
                                               const StreamInfo& info, EncoderModels models,
                                               StreamWriter& writer) {
  return std::make_unique<SemanticEncoder>(options, info, std::move(models), writer);
}

}  // namespace semcodec
