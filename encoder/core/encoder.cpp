#include "encoder/core/encoder.h"

#include <utility>

#include "common/core/error.h"
#include "encoder/analysis/scene_cut.h"
#include "models/generator/conditions.h"

namespace semcodec {

namespace {

/// 1×3×H×W of bytes, a view.
torch::Tensor as_tensor(const RgbImage& picture) {
  return torch::from_blob(const_cast<std::uint8_t*>(picture.pixels.data()),
                          {1, picture.height, picture.width, 3}, torch::kUInt8)
      .permute({0, 3, 1, 2});
}

bool same(const ColourOptions& a, const ColourOptions& b) {
  return a.cell == b.cell && a.clusters == b.clusters;
}

}  // namespace

struct Encoder::State {
  State(const EncoderOptions& o, const StreamInfo& i, EncoderModels m, StreamWriter& w)
      : options(o),
        info(i),
        models(std::move(m)),
        writer(w),
        point(point_at(o.quality)),
        colour(point.colour),
        motion(point.motion) {
    if (o.bitrate) rate.emplace(*o.bitrate);
    quality = rate ? rate->quality() : o.quality;
    apply_quality();
  }

  struct Frame {
    RgbImage picture;
    std::int64_t pts = 0;
  };

  EncoderOptions options;
  StreamInfo info;
  EncoderModels models;
  StreamWriter& writer;
  OperatingPoint point;
  ColourAnalyser colour;
  MotionEstimator motion;
  SceneCutDetector cuts;
  std::optional<RateControl> rate;
  double quality = 50;
  Observer observer;

  std::optional<Frame> last;             ///< the frame pushed before, not yet an anchor itself
  std::vector<std::int64_t> between;     ///< times after the last anchor, `last` not included
  std::optional<std::int64_t> anchor_pts, entry_pts, first_pts;
  std::int64_t frames = 0;

  double seconds(std::int64_t from, std::int64_t to) const {
    return static_cast<double>(to - from) * info.time_base_num / info.time_base_den;
  }

  OperatingPoint point_at(double at) const {
    auto next = operating_point(options.profile, at, info.work_width, info.work_height);
    options.overrides.apply(next);
    return next;
  }

  void apply_quality() {
    auto next = point_at(quality);
    if (!same(next.colour, point.colour)) colour = ColourAnalyser(next.colour);
    point = std::move(next);
  }

  Plane analyse_edges(const RgbImage& picture) const {
    const torch::InferenceMode guard;
    const auto edges = models.edges.detect(as_tensor(picture)).to(torch::kCPU).contiguous();
    return analyse_structure(edges.data_ptr<float>(), picture.width, picture.height,
                             point.structure);
  }

  /// Says what the other planes of `frame` leave out.
  std::vector<Plane> analyse_texture(const RgbImage& picture, const SemanticFrame& frame) {
    if (models.texture.is_empty() || point.texture_channels == 0) return {};
    const torch::InferenceMode guard;
    const auto rgb = as_tensor(picture).to(models.device).to(torch::kFloat32) / 255.0;
    const auto condition =
        render_condition(frame, info.work_width, info.work_height).to(models.device);
    const int levels = models.texture->config().levels;
    return texture_planes(quantise_texture(models.texture->forward(rgb, condition), levels),
                          levels, point.texture_channels);
  }

  /// Makes `frame` an anchor. It was pushed to the motion estimation just before.
  void write_anchor(const Frame& frame, bool cut) {
    SemanticFrame out;
    out.pts = frame.pts;
    out.between_pts = std::exchange(between, {});
    out.cut = cut;
    const bool due = !entry_pts || (options.keyint > 0 &&
                                    seconds(*entry_pts, frame.pts) >= options.keyint);
    out.entry_point = due || cut;
    auto field = motion.finish();
    if (!out.entry_point) out.motion = std::move(field);
    auto map = colour.analyse(frame.picture, out.motion.empty() ? nullptr : &out.motion);
    out.labels = std::move(map.labels);
    out.palette = std::move(map.palette);
    out.structure = analyse_edges(frame.picture);
    out.texture = analyse_texture(frame.picture, out);
    if (out.entry_point && options.key_encoder && point.key_quality >= 0) {
      out.appearance = options.key_encoder(frame.picture, point.key_quality);
    }
    writer.write(out);

    anchor_pts = frame.pts;
    if (out.entry_point) entry_pts = frame.pts;
    AnchorReport report;
    report.pts = frame.pts;
    report.seconds = seconds(*first_pts, frame.pts);
    report.bytes = writer.last_frame_bytes();
    report.cost = writer.last_frame_cost();
    report.key_bytes = out.appearance ? out.appearance->bytes.size() : 0;
    report.quality = quality;
    report.between = out.between_pts.size();
    report.entry_point = out.entry_point;
    report.cut = out.cut;
    if (rate) {
      rate->update(report.seconds, 8.0 * static_cast<double>(writer.stats().bytes));
      quality = rate->quality();
      apply_quality();
    }
    if (observer) observer(out, report);
  }

  void flush_last() {
    if (!last) return;
    write_anchor(*last, false);
    last.reset();
  }
};

Encoder::Encoder(const EncoderOptions& options, const StreamInfo& info, EncoderModels models,
                 StreamWriter& writer)
    : state_(std::make_unique<State>(options, info, std::move(models), writer)) {}

Encoder::~Encoder() = default;

void Encoder::set_observer(Observer observer) { state_->observer = std::move(observer); }

std::int64_t Encoder::frames() const { return state_->frames; }

void Encoder::push(RgbImage picture, std::int64_t pts) {
  auto& s = *state_;
  require(picture.width == s.info.work_width && picture.height == s.info.work_height,
          ErrorKind::usage, "A frame does not have the working size.");
  if (!s.first_pts) s.first_pts = pts;
  ++s.frames;
  State::Frame frame{std::move(picture), pts};

  const bool cut = s.cuts.push(frame.picture).cut && s.options.scene_cut && s.anchor_pts;
  if (cut) {
    // The scene before the cut ends with an anchor of its own, so that nothing is held.
    s.flush_last();
    s.motion.reset();
    s.colour.reset();
  } else if (s.last) {
    s.between.push_back(s.last->pts);
    s.last.reset();
  }
  s.motion.push(frame.picture);
  // Half a frame of slack: 0.4 s are 10 frames at 25 fps, also when times are rounded.
  const double slack = s.info.frame_rate_num > 0
                           ? 0.5 * s.info.frame_rate_den / s.info.frame_rate_num
                           : 0.0;
  if (cut || !s.anchor_pts ||
      s.seconds(*s.anchor_pts, pts) + slack >= s.point.interval ||
      s.between.size() + 2 >= static_cast<std::size_t>(kMaxBetweenFrames)) {
    s.write_anchor(frame, cut);
  } else {
    s.last = std::move(frame);
  }
}

void Encoder::finish() { state_->flush_last(); }

}  // namespace semcodec
