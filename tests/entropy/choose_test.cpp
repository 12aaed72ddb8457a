// FrameEncoder::choose(): planes that give way where that saves more bits than it costs.

#include <gtest/gtest.h>

#include <cstdlib>

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
std::vector<std::uint32_t> costs(const Plane& plane, std::uint32_t stay, std::uint32_t leave) {
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
  encoder.choose(chosen, {costs(frame.structure, 0, kForbidden), {}});
  EXPECT_EQ(chosen, frame);
  encoder.choose(chosen, {});
  EXPECT_EQ(chosen, frame);
}

TEST(Choose, SavesMoreThanItPays) {
  const FrameEncoder encoder = warm_encoder();
  const SemanticFrame frame = noise();
  SemanticFrame chosen = frame;
  const PlaneCosts asked{costs(frame.structure, 0, 2 * kBit), {}};
  encoder.choose(chosen, asked);
  const EncodeStats before = encoder.cost_by_part(frame), after = encoder.cost_by_part(chosen);
  const double structure = paid(chosen.structure, asked.structure);
  EXPECT_GT(structure, 0);
  EXPECT_LT(cost_bits(after.structure) + structure, cost_bits(before.structure));
}

TEST(Choose, TakesTheCheapestWhereAllIsFree) {
  const FrameEncoder encoder = warm_encoder();
  const SemanticFrame frame = noise();
  SemanticFrame chosen = frame;
  encoder.choose(chosen, {costs(frame.structure, 0, 0), {}});
  const EncodeStats before = encoder.cost_by_part(frame), after = encoder.cost_by_part(chosen);
  EXPECT_LT(after.structure * 5, before.structure);
}

TEST(Choose, MotionTakesWhatSurroundsIt) {
  const FrameEncoder encoder = warm_encoder();
  const SemanticFrame frame = noise();
  // Vectors that differ from the sample's drift by noise.
  SemanticFrame shaky;
  shaky.motion = frame.motion;
  Numbers numbers(3);
  for (auto& dx : shaky.motion.dx) dx = static_cast<std::int16_t>(dx + numbers.below(9) - 4);
  const auto drift = [&](std::uint32_t unit) {
    PlaneCosts costs;
    costs.motion = [&shaky, unit](int x, int y, int dx, int dy) {
      const auto i = static_cast<std::size_t>(y * shaky.motion.width + x);
      return unit * static_cast<std::uint32_t>(std::abs(dx - shaky.motion.dx[i]) +
                                               std::abs(dy - shaky.motion.dy[i]));
    };
    return costs;
  };
  SemanticFrame chosen = shaky;
  encoder.choose(chosen, drift(kForbidden));
  EXPECT_EQ(chosen, shaky);
  encoder.choose(chosen, drift(kBit / 2));
  const auto bits = [&](const SemanticFrame& f) {
    return cost_bits(encoder.cost_by_part(f).motion);
  };
  double cost = 0;
  for (std::size_t i = 0; i < shaky.motion.dx.size(); ++i) {
    cost += 0.5 * (std::abs(chosen.motion.dx[i] - shaky.motion.dx[i]) +
                   std::abs(chosen.motion.dy[i] - shaky.motion.dy[i]));
  }
  EXPECT_GT(cost, 0);
  EXPECT_LT(bits(chosen) + cost, bits(shaky));
}

TEST(Choose, LeavesTheEncoderAsItWas) {
  const FrameEncoder encoder = warm_encoder();
  const SemanticFrame next = test::scene_frame(4, SampleShape{}, false);
  const std::uint64_t before = encoder.cost(next);
  SemanticFrame chosen = noise();
  encoder.choose(chosen, {costs(chosen.structure, 0, 0), {}});
  EXPECT_EQ(encoder.cost(next), before);
}

TEST(Choose, RefusesCostsThatDoNotFit) {
  const FrameEncoder encoder = warm_encoder();
  SemanticFrame frame = noise();
  auto list = costs(frame.structure, 0, kBit);
  list.pop_back();
  EXPECT_THROW(encoder.choose(frame, {list, {}}), Error);
  frame.structure.levels = 10;
  EXPECT_THROW(encoder.choose(frame, {costs(frame.structure, 0, kBit), {}}), Error);
}

}  // namespace
}  // namespace semcodec
