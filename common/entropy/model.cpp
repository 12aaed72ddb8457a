#include "common/entropy/model.h"

#include <string>
#include <utility>

#include "common/core/error.h"

namespace semcodec {

namespace entropy {

void Coders::limit_adaptation(const AdaptationLimit& adaptation_limit) {
  motion.limit_adaptation(adaptation_limit);
  palette.limit_adaptation(adaptation_limit);
  structure.limit_adaptation(adaptation_limit);
  labels.limit_adaptation(adaptation_limit);
  texture.limit_adaptation(adaptation_limit);
}

Model::Model(int coded_width, int coded_height, const Coders* start)
    : work_{coded_width, coded_height}, start_(start) {
  if (start == nullptr) coders_.emplace();
  require(coded_width >= 1 && coded_width <= kMaxCodedDimension && coded_height >= 1 &&
              coded_height <= kMaxCodedDimension,
          ErrorKind::corrupt,
          "The coded size must be 1..." + std::to_string(kMaxCodedDimension) + " either way.");
}

Coders& Model::coders() {
  if (!coders_) {
    coders_ = *start_;
    coders_->palette.forget_previous();
    coders_->motion.forget_previous();
    coders_->scene += scenes_;
  }
  return *coders_;
}

void Model::begin(bool entry_point, bool cut) {
  if (entry_point && !coders_) scenes_ = 0;
  if (entry_point && coders_ && start_ != nullptr && !fresh_) *coders_ = *start_;
  fresh_ = false;
  if (entry_point && coders_) coders_->palette.forget_previous();
  if (entry_point || cut) forget_planes();
  if (entry_point) counter_ = 15;
  started_ = true;
}

EncodeStats Model::code(BinaryCoder& coder, SemanticFrame& frame, const PlaneCosts* costs) {
  const bool costed = costs != nullptr && !costs->structure.empty();
  begin(frame.entry_point, frame.cut);
  code_counter(coder, frame.entry_point);
  Coders& coders = this->coders();
  EncodeStats stats;
  std::uint64_t before = coder.cost();
  const auto lap = [&](std::uint64_t& part) {
    part = (coder.cost() - before + 128) / 256;
    before = coder.cost();
  };
  if (!frame.motion.empty()) {
    coders.motion.code(coder, frame.motion,
                       costs != nullptr && costs->motion ? &costs->motion : nullptr);
  }
  lap(stats.motion);
  if (!frame.palette.empty()) coders.palette.code(coder, frame.palette);
  lap(stats.palette);
  PaddedPlane structure;
  if (!frame.structure.empty()) {
    const Plane& plane = frame.structure;
    structure_history_.advance(frame.motion, work_, plane.width, plane.height, 0);
    structure = coders.structure.code(coder, frame.structure, structure_history_, 0, coders.scene,
                                      nullptr, costed ? costs->structure.data() : nullptr);
  }
  lap(stats.structure);
  if (!frame.labels.empty()) {
    const Plane& plane = frame.labels;
    label_history_.advance(frame.motion, work_, plane.width, plane.height, -1);
    label_history_.push(coders.labels.code(coder, frame.labels, frame.palette, label_history_,
                                           structure, coders.scene));
  }
  lap(stats.labels);
  if (!structure.empty()) structure_history_.push(std::move(structure));
  code_texture(coder, frame);
  lap(stats.texture);
  return stats;
}

void Model::code_counter(BinaryCoder& coder, bool entry_point) {
  const int expected = (counter_ + 1) & 15;
  counter_ = 0;
  for (int digit = 3; digit >= 0; --digit) {
    counter_ = counter_ << 1 | coder.code(expected >> digit & 1, 32768);
  }
  require(entry_point || counter_ == expected, ErrorKind::corrupt,
          "A frame record before this one is missing, or this one came twice.");
}

void Model::forget_planes() {
  if (coders_) {
    coders_->motion.forget_previous();
    coders_->scene += 1;
  } else {
    scenes_ += 1;
  }
  structure_history_.clear();
  label_history_.clear();
  texture_history_.clear();
}

void Model::code_texture(BinaryCoder& coder, SemanticFrame& frame) {
  if (frame.texture.empty()) return;
  texture_history_.resize(frame.texture.size());
  for (std::size_t i = 0; i < frame.texture.size(); ++i) {
    Plane& plane = frame.texture[i];
    PlaneHistory& history = texture_history_[i];
    history.advance(frame.motion, work_, plane.width, plane.height, 0);
    const PlaneHistory* companion = nullptr;
    if (i > 0 && frame.texture[i - 1].width == plane.width &&
        frame.texture[i - 1].height == plane.height) {
      companion = &texture_history_[i - 1];  // its last plane is the channel just coded
    }
    history.push(coders_->texture.code(coder, plane, history, static_cast<int>(i), coders_->scene,
                                       companion));
  }
}

}  // namespace entropy
}  // namespace semcodec
