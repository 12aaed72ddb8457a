// FrameEncoder::choose(): planes that give way where that saves more bits than it costs.

#include <gtest/gtest.h>

#include "common/core/error.h"
#include "common/entropy/frame_coder.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec {
namespace {

using test::Numbers;
using test::SampleShape;

constexpr std::uint32_t kBit = 65536;
constexpr std::uint32_t kForbidden = 1000 * kBit;

/// `stay` for the value that a cell has, `leave` for every other.
std::vector<std::uint32_t> prices(const Plane& plane, std::uint32_t stay, std::uint32_t leave) {
  std::vector<std::uint32_t> list;
  for (const int value : plane.values) {
    for (int v = 0; v < plane.levels; ++v) list.push_back(v == value ? stay : leave);
  }
  return list;
}

double paid(const Plane& plane, const std::vector<std::uint32_t>& list) {
  double sum = 0;
  for (std::size_t i = 0; i < plane.values.size(); ++i) {
    sum += list[i * static_cast<std::size_t>(plane.levels) + plane.values[i]];
  }
  return sum / kBit;
}

/// An encoder that has seen some frames of a scene.
FrameEncoder warm_encoder() {
  FrameEncoder encoder(192, 128);
  for (int t = 0; t < 4; ++t) encoder.encode(test::scene_frame(t, SampleShape{}, t == 0));
  return encoder;
}

SemanticFrame noise() {
  Numbers numbers(5);
  SemanticFrame frame = test::noise_frame(numbers, SampleShape{}, false);
  frame.motion = test::scene_frame(4, SampleShape{}, false).motion;
  return frame;
}

TEST(Choose, KeepsWhatItMayNotChange) {
  const FrameEncoder encoder = warm_encoder();
  const SemanticFrame frame = noise();
  SemanticFrame chosen = frame;
  encoder.choose(chosen,
                 {prices(frame.structure, 0, kForbidden), prices(frame.labels, 0, kForbidden)});
  EXPECT_EQ(chosen, frame);
  encoder.choose(chosen, {});
  EXPECT_EQ(chosen, frame);
}

TEST(Choose, SavesMoreThanItPays) {
  const FrameEncoder encoder = warm_encoder();
  const SemanticFrame frame = noise();
  SemanticFrame chosen = frame;
  const PlanePrices asked{prices(frame.structure, 0, 2 * kBit), prices(frame.labels, 0, 3 * kBit)};
  encoder.choose(chosen, asked);
  const EncodeStats before = encoder.cost_by_part(frame), after = encoder.cost_by_part(chosen);
  const double structure = paid(chosen.structure, asked.structure);
  const double labels = paid(chosen.labels, asked.labels);
  EXPECT_GT(structure, 0);
  EXPECT_GT(labels, 0);
  EXPECT_LT(cost_bits(after.structure) + structure, cost_bits(before.structure));
  EXPECT_LT(cost_bits(after.labels) + labels, cost_bits(before.labels));
}

TEST(Choose, TakesTheCheapestWhereAllIsFree) {
  const FrameEncoder encoder = warm_encoder();
  const SemanticFrame frame = noise();
  SemanticFrame chosen = frame;
  encoder.choose(chosen, {prices(frame.structure, 0, 0), prices(frame.labels, 0, 0)});
  const EncodeStats before = encoder.cost_by_part(frame), after = encoder.cost_by_part(chosen);
  EXPECT_LT(after.structure * 5, before.structure);
  EXPECT_LT(after.labels * 5, before.labels);
}

TEST(Choose, LeavesTheEncoderAsItWas) {
  const FrameEncoder encoder = warm_encoder();
  const SemanticFrame next = test::scene_frame(4, SampleShape{}, false);
  const std::uint64_t before = encoder.cost(next);
  SemanticFrame chosen = noise();
  encoder.choose(chosen, {prices(chosen.structure, 0, 0), {}});
  EXPECT_EQ(encoder.cost(next), before);
}

TEST(Choose, RefusesPricesThatDoNotFit) {
  const FrameEncoder encoder = warm_encoder();
  SemanticFrame frame = noise();
  auto list = prices(frame.labels, 0, kBit);
  list.pop_back();
  EXPECT_THROW(encoder.choose(frame, {{}, list}), Error);
  EXPECT_THROW(encoder.choose(frame, {list, {}}), Error);
}

}  // namespace
}  // namespace semcodec
