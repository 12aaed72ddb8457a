#include "common/entropy/pretrained.h"

#include <array>
#include <utility>

#include "common/core/error.h"

namespace semcodec::entropy {
namespace {

constexpr std::size_t kNumbers = 16;
// What was learnt from other clips yields to the stream at hand.
constexpr AdaptationLimit kAdaptationLimit{4, 60, 200};

using Head = std::array<int, kNumbers>;

Head head_of(const PretrainingSequence& sequence, std::size_t chunk_size) {
  const SemanticFrame& last = sequence.frames.back();
  const Plane texture = last.texture.empty() ? Plane{} : last.texture.front();
  return {sequence.coded_width,
          sequence.coded_height,
          static_cast<int>(sequence.frames.size()),
          last.motion.width,
          last.motion.height,
          last.structure.width,
          last.structure.height,
          last.structure.levels,
          last.labels.width,
          last.labels.height,
          last.labels.levels,
          static_cast<int>(last.texture.size()),
          texture.width,
          texture.height,
          texture.levels,
          static_cast<int>(chunk_size)};
}

SemanticFrame frame_of(const Head& head, bool first) {
  const auto cells = [](int width, int height) {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  };
  const auto plane = [&](int width, int height, int levels) {
    return Plane{width, height, levels, std::vector<std::uint8_t>(cells(width, height))};
  };
  SemanticFrame frame;
  frame.entry_point = first;
  if (!first) {
    frame.motion = {head[3], head[4], {}, {}};
    frame.motion.dx.resize(cells(head[3], head[4]));
    frame.motion.dy = frame.motion.dx;
  }
  frame.structure = plane(head[5], head[6], head[7]);
  frame.labels = plane(head[8], head[9], head[10]);
  frame.palette.resize(static_cast<std::size_t>(head[10]));
  frame.texture.assign(static_cast<std::size_t>(head[11]), plane(head[12], head[13], head[14]));
  return frame;
}

// Codes the sequences' frames one after the other with the same coders.
void code(const PretrainingSequence& sequence, Coders& coders, BinaryCoder& coder,
          std::vector<SemanticFrame>& frames) {
  Model model(sequence.coded_width, sequence.coded_height, nullptr);
  model.coders() = std::move(coders);
  for (SemanticFrame& frame : frames) model.code(coder, frame);
  coders = std::move(model.coders());
}

}  // namespace

Pretrained read_pretraining(std::span<const std::uint8_t> bytes) {
  Pretrained pretrained;
  const char* const damaged = "The pretraining data is damaged.";
  while (!bytes.empty()) {
    require(bytes.size() >= 2 * kNumbers, ErrorKind::corrupt, damaged);
    Head head{};
    for (std::size_t i = 0; i < kNumbers; ++i) head[i] = bytes[2 * i] | bytes[2 * i + 1] << 8;
    bytes = bytes.subspan(2 * kNumbers);
    const auto chunk_size = static_cast<std::size_t>(head.back());
    require(bytes.size() >= chunk_size && head[11] <= kMaxTextureChannels, ErrorKind::corrupt,
            damaged);
    PretrainingSequence sequence{head[0], head[1], {}};
    for (int i = 0; i < head[2]; ++i) sequence.frames.push_back(frame_of(head, i == 0));
    BinaryCoder coder(bytes.first(chunk_size));
    code(sequence, pretrained.coders, coder, sequence.frames);
    bytes = bytes.subspan(chunk_size);
    pretrained.sequences.push_back(std::move(sequence));
  }
  pretrained.coders.limit_adaptation(kAdaptationLimit);
  return pretrained;
}

std::vector<std::uint8_t> write_pretraining(std::span<const PretrainingSequence> sequences) {
  std::vector<std::uint8_t> bytes;
  Coders coders;
  for (const PretrainingSequence& sequence : sequences) {
    require(!sequence.frames.empty(), ErrorKind::input, "A pretraining sequence has no frames.");
    BinaryCoder coder(BinaryCoder::Mode::write);
    std::vector<SemanticFrame> frames = sequence.frames;
    code(sequence, coders, coder, frames);
    const std::vector<std::uint8_t> chunk = coder.finish();
    require(chunk.size() < 65536, ErrorKind::input, "A pretraining sequence is too long.");
    const Head head = head_of(sequence, chunk.size());
    for (const SemanticFrame& frame : sequence.frames) {
      const SemanticFrame like = frame_of(head, &frame == &sequence.frames.front());
      require(frame.entry_point == like.entry_point && !frame.cut &&
                  frame.motion.dx.size() == like.motion.dx.size() &&
                  frame.structure.values.size() == like.structure.values.size() &&
                  frame.labels.values.size() == like.labels.values.size() &&
                  frame.palette.size() == like.palette.size() &&
                  frame.texture.size() == like.texture.size(),
              ErrorKind::input, "The frames of a pretraining sequence differ in what they hold.");
    }
    for (const int number : head) {
      bytes.push_back(static_cast<std::uint8_t>(number));
      bytes.push_back(static_cast<std::uint8_t>(number >> 8));
    }
    bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  }
  return bytes;
}

const Coders& primed_coders() {
  static const Coders coders = read_pretraining(built_in_pretraining()).coders;
  return coders;
}

}  // namespace semcodec::entropy
