#include "common/entropy/frame_coder.h"

#include <string>
#include <utility>

#include "common/core/error.h"
#include "common/entropy/model.h"
#include "common/entropy/plane_coder.h"

namespace semcodec {
namespace {

using entropy::BinaryCoder;
using entropy::Model;

std::size_t cells(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

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
  require(frame.texture.size() <= static_cast<std::size_t>(kMaxTextureChannels), ErrorKind::corrupt,
          "A frame has too many texture planes.");
  for (Plane& plane : frame.texture) {
    prepare(plane, "texture");
    require(!plane.empty(), ErrorKind::corrupt, "A texture plane has no size.");
  }
}

}  // namespace

struct FrameEncoder::State {
  Model model;
};

FrameEncoder::FrameEncoder(int coded_width, int coded_height)
    : state_(new State{Model(coded_width, coded_height)}) {}
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

void FrameEncoder::pass(const SemanticFrame& frame) {
  require_start(state_->model.started(), frame.entry_point);
  state_->model.begin(frame.entry_point, frame.cut);
}

EncodeStats FrameEncoder::cost_by_part(const SemanticFrame& frame) const {
  validate(frame);
  require_start(state_->model.started(), frame.entry_point);
  Model trial = state_->model;
  BinaryCoder coder(BinaryCoder::Mode::measure);
  SemanticFrame copy = frame;
  return trial.code(coder, copy);
}

void FrameEncoder::choose(SemanticFrame& frame, const PlaneCosts& costs) const {
  validate(frame);
  require_start(state_->model.started(), frame.entry_point);
  const Plane& structure = frame.structure;
  require(costs.structure.empty() ||
              (structure.levels <= entropy::PlaneCoder::kMaxCosted &&
               costs.structure.size() ==
                   structure.values.size() * static_cast<std::size_t>(structure.levels)),
          ErrorKind::usage, "The costs of a plane's values and the plane differ in size.");
  Model trial = state_->model;
  BinaryCoder coder(BinaryCoder::Mode::measure);
  // The rest of the frame comes after these and does not change their cost.
  SemanticFrame part;
  part.entry_point = frame.entry_point;
  part.cut = frame.cut;
  part.motion = frame.motion;
  if (!costs.structure.empty()) part.structure = structure;
  trial.code(coder, part, &costs);
  frame.motion = std::move(part.motion);
  if (!costs.structure.empty()) frame.structure = std::move(part.structure);
}

std::uint64_t FrameEncoder::cost(const SemanticFrame& frame) const {
  return cost_by_part(frame).total();
}

struct FrameDecoder::State {
  Model model;
};

FrameDecoder::FrameDecoder(int coded_width, int coded_height)
    : state_(new State{Model(coded_width, coded_height)}) {}
FrameDecoder::~FrameDecoder() = default;
FrameDecoder::FrameDecoder(FrameDecoder&&) noexcept = default;
FrameDecoder& FrameDecoder::operator=(FrameDecoder&&) noexcept = default;

void FrameDecoder::pass(const SemanticFrame& frame) {
  require_start(state_->model.started(), frame.entry_point);
  state_->model.begin(frame.entry_point, frame.cut);
}

void FrameDecoder::reset() { state_->model.stop(); }

void FrameDecoder::decode(std::span<const std::uint8_t> chunk, SemanticFrame& frame,
                          EncodeStats* stats) {
  require_start(state_->model.started(), frame.entry_point);
  prepare(frame);
  BinaryCoder coder(chunk);
  EncodeStats parts;
  try {
    parts = state_->model.code(coder, frame);
    if (coder.overrun()) entropy::throw_overrun();
  } catch (...) {
    state_->model.stop();  // what follows builds on the damaged chunk
    throw;
  }
  if (stats != nullptr) *stats = parts;
}

SemanticFrame plane_header_of(const SemanticFrame& frame) {
  SemanticFrame out = frame;
  out.motion.dx.clear();
  out.motion.dy.clear();
  out.structure.values.clear();
  out.labels.values.clear();
  out.palette.clear();
  for (Plane& plane : out.texture) plane.values.clear();
  return out;
}

}  // namespace semcodec
