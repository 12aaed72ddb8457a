#include "encoder/stages/frame_coder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "encoder/stages/rate_governor.h"

namespace semcodec {

namespace {

/// In 1/65536 bit; `lambda` = the distortion that is worth a bit.
std::uint32_t cost_of(float distortion, float lambda) {
  return static_cast<std::uint32_t>(65536.0F * std::min(distortion / lambda, 10000.0F));
}

bool same(const ColourOptions& a, const ColourOptions& b) {
  return a.cell == b.cell && a.clusters == b.clusters;
}

}  // namespace

FrameCoder::FrameCoder(FrameCoderOptions options, double quality, const FrameEncoder& bits,
                       KMeansReference clustering, Texture texture)
    : options_(std::move(options)),
      bits_(bits),
      clustering_(std::move(clustering)),
      texture_(std::move(texture)),
      quality_(quality),
      point_(point_at(quality)),
      colour_(point_.colour, clustering_) {}

OperatingPoint FrameCoder::point_at(double quality) const {
  auto point =
      operating_point(options_.profile, quality, options_.coded_width, options_.coded_height);
  options_.overrides.apply(point);
  return point;
}

void FrameCoder::set_quality(double quality) {
  quality_ = quality;
  auto next = point_at(quality);
  if (!same(next.colour, point_.colour)) colour_ = ColourAnalyser(next.colour, clustering_);
  point_ = std::move(next);
}

CodedFrame FrameCoder::code(const AnalysedFrame& frame) {
  CodedFrame coded;
  SemanticFrame& out = coded.frame;
  out.pts = frame.plan.frame.pts;
  out.interpolated_pts = frame.plan.interpolated_pts;
  out.cut = frame.plan.frame.cut;
  out.entry_point = frame.plan.entry_point;
  out.motion = frame.motion;
  if (out.cut) colour_.reset();
  choose_vectors(out, frame);
  trial_.reset();
  if (std::isfinite(frame.room)) {
    const ColourAnalyser before = colour_;
    describe(frame, coded);
    fit(frame, coded, before);
  } else {
    describe(frame, coded);
  }
  coded.quality = quality_;
  return coded;
}

/// Lets vectors give way where what they gain is less than their bits.
void FrameCoder::choose_vectors(SemanticFrame& out, const AnalysedFrame& frame) const {
  const float lambda = point_.motion.lambda;
  if (out.motion.empty() || lambda <= 0) return;
  PlaneCosts costs;
  costs.motion = [&](int x, int y, int dx, int dy) {
    return cost_of(frame.distortion(x, y, dx, dy), lambda);
  };
  bits_.choose(out, costs);
}

/// The same for edges.
void FrameCoder::choose_structure(SemanticFrame& out, const StructureMap& lines) const {
  const float lambda = point_.structure.lambda;
  if (lambda <= 0) return;
  PlaneCosts costs;
  const auto distortions = lines.distortions();
  costs.structure.reserve(distortions.size());
  for (const float distortion : distortions) costs.structure.push_back(cost_of(distortion, lambda));
  bits_.choose(out, costs);
}

/// Everything but times and motion, at the present quality.
void FrameCoder::describe(const AnalysedFrame& frame, CodedFrame& coded) {
  SemanticFrame& out = coded.frame;
  const RgbImage& picture = frame.plan.frame.picture;
  auto map = colour_.analyse(picture, out.motion.empty() ? nullptr : &out.motion);
  out.labels = std::move(map.labels);
  out.palette = std::move(map.palette);
  const auto lines = map_structure(*frame.edges, point_.structure);
  out.structure = lines.plane;
  choose_structure(out, lines);
  const bool textured = texture_ && point_.texture_channels > 0;
  out.texture = textured ? texture_(picture, out, point_.texture_channels) : std::vector<Plane>{};
  add_intra_picture(frame, coded);
}

/// Adds the intra picture to an entry point whose planes are there.
void FrameCoder::add_intra_picture(const AnalysedFrame& frame, CodedFrame& coded) {
  SemanticFrame& out = coded.frame;
  out.intra_picture.reset();
  coded.key.reset();
  if (!out.entry_point || !options_.key_codec) return;
  const RgbImage& picture = frame.plan.frame.picture;
  int wanted = point_.key_quality;
  if (point_.choose_key) {
    if (!trial_) {
      // Coded in several qualities once, whatever the planes' quality.
      std::vector<KeyTrial::Later> later;
      for (const SourceFrame& next : frame.later) {
        later.push_back({&next.picture, static_cast<double>(next.pts - out.pts) *
                                            options_.time_base.num / options_.time_base.den});
      }
      trial_.emplace(picture, later, frame.horizon, options_.key_codec);
    }
    const double planes = cost_bits(bits_.cost(out));
    coded.key = trial_->choose(quality_, planes, point_.interval * frame.interval_scale,
                               frame.room - planes - RateGovernor::kEntryBits);
    wanted = coded.key->options[coded.key->chosen].quality;
  }
  if (wanted >= 0) out.intra_picture = options_.key_codec.encode(picture, wanted, false);
}

/// Describes the frame again at lower qualities until it fits. `before`: the colour analyser as it
/// was before the frame.
void FrameCoder::fit(const AnalysedFrame& frame, CodedFrame& coded, const ColourAnalyser& before) {
  for (double bits = record_bits(coded.frame); bits > frame.room && quality_ > 0;
       bits = record_bits(coded.frame)) {
    // At least four steps, else about as many as the sizes ask for.
    const double steps = std::max(4.0, 20 * std::log2(bits / std::max(frame.room, 1.0)));
    set_quality(std::max(0.0, quality_ - steps));
    if (same(before.options(), point_.colour)) colour_ = before;
    describe(frame, coded);
  }
}

/// What the frame's record would take now.
double FrameCoder::record_bits(const SemanticFrame& frame) const {
  const double picture =
      frame.intra_picture ? 8.0 * static_cast<double>(frame.intra_picture->bytes.size()) : 0.0;
  return cost_bits(bits_.cost(frame)) + picture +
         (frame.entry_point ? RateGovernor::kEntryBits : RateGovernor::kRecordBits);
}

}  // namespace semcodec
