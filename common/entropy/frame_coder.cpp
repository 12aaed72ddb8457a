#include "common/entropy/frame_coder.h"

#include <string>
#include <utility>

#include "common/core/error.h"
#include "common/entropy/label_coder.h"
#include "common/entropy/number_coder.h"
#include "common/entropy/plane_coder.h"
#include "common/entropy/reference.h"

namespace semcodec {
namespace {

using entropy::BinaryCoder;
using entropy::PaddedPlane;
using entropy::PlaneHistory;

std::size_t cells(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

// Everything that adapts; the same on both sides.
class Model {
 public:
  Model(int work_width, int work_height) : work_{work_width, work_height} {
    require(work_width >= 1 && work_width <= kMaxWorkDimension && work_height >= 1 &&
                work_height <= kMaxWorkDimension,
            ErrorKind::corrupt,
            "The working size must be 1..." + std::to_string(kMaxWorkDimension) + " either way.");
  }

  bool started() const { return started_; }
  void stop() { started_ = false; }

  /// Codes all parts. When reading, the planes are sized but hold nothing yet.
  EncodeStats code(BinaryCoder& coder, SemanticFrame& frame) {
    if (frame.entry_point) reset();
    if (frame.cut) forget_planes();
    EncodeStats stats;
    std::uint64_t before = 0;
    const auto lap = [&](std::uint64_t& part) {
      part = (coder.cost() - before + 128) / 256;
      before = coder.cost();
    };
    if (!frame.motion.empty()) motion_.code(coder, frame.motion);
    lap(stats.motion);
    if (!frame.palette.empty()) palette_.code(coder, frame.palette);
    lap(stats.palette);
    PaddedPlane structure;
    if (!frame.structure.empty()) {
      const Plane& plane = frame.structure;
      structure_history_.advance(frame.motion, work_, plane.width, plane.height, 0);
      structure = structure_.code(coder, frame.structure, structure_history_, 0, nullptr);
    }
    lap(stats.structure);
    if (!frame.labels.empty()) {
      const Plane& plane = frame.labels;
      label_history_.advance(frame.motion, work_, plane.width, plane.height, -1);
      label_history_.push(
          labels_.code(coder, frame.labels, frame.palette, label_history_, structure));
    }
    lap(stats.labels);
    if (!structure.empty()) structure_history_.push(std::move(structure));
    code_texture(coder, frame);
    lap(stats.texture);
    started_ = true;
    return stats;
  }

 private:
  void reset() {
    motion_.reset();
    palette_.reset();
    structure_.reset();
    labels_.reset();
    texture_.reset();
    forget_planes();
  }

  void forget_planes() {
    motion_.forget_previous();
    structure_history_.clear();
    label_history_.clear();
    texture_history_.clear();
  }

  void code_texture(BinaryCoder& coder, SemanticFrame& frame) {
    if (frame.texture.empty()) return;
    texture_history_.resize(frame.texture.size());
    for (std::size_t i = 0; i < frame.texture.size(); ++i) {
      Plane& plane = frame.texture[i];
      PlaneHistory& history = texture_history_[i];
      history.advance(frame.motion, work_, plane.width, plane.height, 0);
      const PaddedPlane* companion = nullptr;
      if (i > 0 && frame.texture[i - 1].width == plane.width &&
          frame.texture[i - 1].height == plane.height) {
        companion = &texture_history_[i - 1].last;  // the channel just coded
      }
      history.push(texture_.code(coder, plane, history, static_cast<int>(i), companion));
    }
  }

  entropy::WorkSize work_;
  bool started_ = false;
  entropy::MotionCoder motion_;
  entropy::PaletteCoder palette_;
  entropy::PlaneCoder structure_;
  entropy::LabelCoder labels_;
  entropy::PlaneCoder texture_;
  PlaneHistory structure_history_;
  PlaneHistory label_history_;
  std::vector<PlaneHistory> texture_history_;
};

void require_start(bool started, bool entry_point) {
  require(started || entry_point, ErrorKind::corrupt,
          "Coding must start at an entry point, but the first frame is none.");
}

// Checks the sizes a record gives and allocates the plane.
void prepare(Plane& plane, const std::string& name) {
  plane.values.clear();
  if (plane.width == 0 || plane.height == 0) {
    plane = {};
    return;
  }
  require(plane.width >= 1 && plane.width <= kMaxPlaneDimension && plane.height >= 1 &&
              plane.height <= kMaxPlaneDimension && plane.levels >= 2 && plane.levels <= 256,
          ErrorKind::corrupt, "The " + name + " plane's size or levels are out of range.");
  plane.values.assign(cells(plane.width, plane.height), 0);
}

void prepare(SemanticFrame& frame) {
  MotionField& motion = frame.motion;
  if (motion.width == 0 || motion.height == 0) {
    motion = {};
  } else {
    require(motion.width >= 1 && motion.width <= kMaxPlaneDimension && motion.height >= 1 &&
                motion.height <= kMaxPlaneDimension && !frame.entry_point && !frame.cut,
            ErrorKind::corrupt, "The motion field's size is out of range.");
    motion.dx.assign(cells(motion.width, motion.height), 0);
    motion.dy.assign(cells(motion.width, motion.height), 0);
  }
  prepare(frame.structure, "structure");
  prepare(frame.labels, "label");
  frame.palette.assign(static_cast<std::size_t>(frame.labels.levels), {0, 0, 0});
  require(frame.texture.size() <= static_cast<std::size_t>(kMaxTextureChannels),
          ErrorKind::corrupt, "A frame has too many texture planes.");
  for (Plane& plane : frame.texture) {
    prepare(plane, "texture");
    require(!plane.empty(), ErrorKind::corrupt, "A texture plane has no size.");
  }
}

}  // namespace

EncodeStats& EncodeStats::operator+=(const EncodeStats& other) {
  motion += other.motion;
  palette += other.palette;
  structure += other.structure;
  labels += other.labels;
  texture += other.texture;
  return *this;
}

struct FrameEncoder::State {
  Model model;
};

FrameEncoder::FrameEncoder(int work_width, int work_height)
    : state_(new State{Model(work_width, work_height)}) {}
FrameEncoder::~FrameEncoder() = default;
FrameEncoder::FrameEncoder(FrameEncoder&&) noexcept = default;
FrameEncoder& FrameEncoder::operator=(FrameEncoder&&) noexcept = default;
FrameEncoder::FrameEncoder(const FrameEncoder& other) : state_(new State(*other.state_)) {}
FrameEncoder& FrameEncoder::operator=(const FrameEncoder& other) {
  *state_ = *other.state_;
  return *this;
}

std::vector<std::uint8_t> FrameEncoder::encode(const SemanticFrame& frame, EncodeStats* stats) {
  validate(frame);
  require_start(state_->model.started(), frame.entry_point);
  BinaryCoder coder(BinaryCoder::Mode::write);
  SemanticFrame copy = frame;
  const EncodeStats parts = state_->model.code(coder, copy);
  if (stats != nullptr) *stats = parts;
  return coder.finish();
}

EncodeStats FrameEncoder::cost_by_part(const SemanticFrame& frame) const {
  validate(frame);
  require_start(state_->model.started(), frame.entry_point);
  Model trial = state_->model;
  BinaryCoder coder(BinaryCoder::Mode::measure);
  SemanticFrame copy = frame;
  return trial.code(coder, copy);
}

std::uint64_t FrameEncoder::cost(const SemanticFrame& frame) const {
  return cost_by_part(frame).total();
}

struct FrameDecoder::State {
  Model model;
};

FrameDecoder::FrameDecoder(int work_width, int work_height)
    : state_(new State{Model(work_width, work_height)}) {}
FrameDecoder::~FrameDecoder() = default;
FrameDecoder::FrameDecoder(FrameDecoder&&) noexcept = default;
FrameDecoder& FrameDecoder::operator=(FrameDecoder&&) noexcept = default;

void FrameDecoder::reset() { state_->model.stop(); }

void FrameDecoder::decode(std::span<const std::uint8_t> chunk, SemanticFrame& frame,
                          EncodeStats* stats) {
  require_start(state_->model.started(), frame.entry_point);
  prepare(frame);
  BinaryCoder coder(chunk);
  state_->model.stop();  // stays stopped when the chunk turns out to be damaged
  const EncodeStats parts = state_->model.code(coder, frame);
  if (coder.overrun()) entropy::throw_overrun();
  if (stats != nullptr) *stats = parts;
}

}  // namespace semcodec
