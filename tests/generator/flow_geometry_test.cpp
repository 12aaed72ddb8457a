// Motion between coded frames: each function against a case whose answer is known.

#include <gtest/gtest.h>

#include "models/generator/flow_geometry.h"

namespace semcodec {
namespace {

constexpr int kWidth = 96, kHeight = 64;

torch::Tensor constant_flow(float dx, float dy) {
  auto flow = torch::empty({1, 2, kHeight / kFlowScale, kWidth / kFlowScale});
  flow.select(1, 0).fill_(dx);
  flow.select(1, 1).fill_(dy);
  return flow;
}

/// Largest difference away from the border, where splatting and warping see outside.
float inner_difference(const torch::Tensor& a, const torch::Tensor& b, int64_t margin) {
  const auto difference = (a - b).abs();
  return difference.narrow(2, margin, a.size(2) - 2 * margin)
      .narrow(3, margin, a.size(3) - 2 * margin)
      .max()
      .item<float>();
}

TEST(FlowGeometry, DenseMotionHasPixelsOfTheWorkingSize) {
  MotionField field{6, 4, std::vector<std::int16_t>(24, 10), std::vector<std::int16_t>(24, -6)};
  const auto flow = dense_motion(field, kWidth, kHeight);
  ASSERT_EQ(flow.sizes(), at::IntArrayRef({1, 2, kHeight / 4, kWidth / 4}));
  EXPECT_NEAR(flow.select(1, 0).mean().item<float>(), 2.5F, 1e-5F);
  EXPECT_NEAR(flow.select(1, 1).mean().item<float>(), -1.5F, 1e-5F);
}

TEST(FlowGeometry, WarpShiftsAtEveryScale) {
  // A ramp along x: looking dx pixels to the right adds dx times its slope.
  for (const int scale : {1, 2, 4}) {
    const auto ramp =
        torch::arange(kWidth / scale).to(torch::kFloat32).expand({1, 3, kHeight / scale, -1}) *
        static_cast<float>(scale);
    const auto moved = warp(ramp.contiguous(), constant_flow(8, 0));
    EXPECT_LT(inner_difference(moved, ramp + 8, 16 / scale), 1e-3F) << "scale " << scale;
  }
}

TEST(FlowGeometry, ComposeAddsConstantFlows) {
  const auto sum = compose(constant_flow(3, -2), constant_flow(1.5, 4));
  EXPECT_LT((sum - constant_flow(4.5, 2)).abs().max().item<float>(), 1e-4F);
}

TEST(FlowGeometry, ComposeFollowsTheFirstFlow) {
  // The second flow grows along x; it has to be read where the first one leads.
  auto second = constant_flow(0, 0);
  second.select(1, 0).copy_(torch::arange(kWidth / 4).to(torch::kFloat32) * 4);
  const auto sum = compose(constant_flow(8, 0), second);
  const auto expected =
      constant_flow(8, 0) + second +
      torch::cat({torch::full({1, 1, 16, 24}, 8.0), torch::zeros({1, 1, 16, 24})}, 1);
  EXPECT_LT(inner_difference(sum, expected, 3), 1e-3F);
}

TEST(FlowGeometry, InvertTurnsAConstantFlowRound) {
  const auto inverse = invert(constant_flow(6, -10));
  EXPECT_LT((inverse - constant_flow(-6, 10)).abs().max().item<float>(), 1e-3F);
}

TEST(FlowGeometry, BetweenSplitsTheWayByTime) {
  // Content moves by (+8, +4) from the earlier to the later coded frame.
  const auto flow_10 = constant_flow(-8, -4), flow_01 = constant_flow(8, 4);
  const auto [to_earlier, to_later] = between(flow_10, flow_01, torch::tensor({0.25F}));
  EXPECT_LT((to_earlier - constant_flow(-2, -1)).abs().max().item<float>(), 1e-3F);
  EXPECT_LT((to_later - constant_flow(6, 3)).abs().max().item<float>(), 1e-3F);
}

TEST(FlowGeometry, BetweenMovesAnObjectWithItsOwnMotion) {
  // A block of 6x6 cells moves 16 pixels to the right over a still background.
  auto flow_01 = constant_flow(0, 0), flow_10 = constant_flow(0, 0);
  flow_01.select(1, 0).narrow(1, 5, 6).narrow(2, 6, 6).fill_(16);
  flow_10.select(1, 0).narrow(1, 5, 6).narrow(2, 10, 6).fill_(-16);
  const auto [to_earlier, to_later] = between(flow_10, flow_01, torch::tensor({0.5F}));
  // Half way it lies at columns 8 to 13.
  const auto inside = to_later.select(1, 0).narrow(1, 6, 4).narrow(2, 9, 4);
  EXPECT_NEAR(inside.mean().item<float>(), 8.0F, 0.5F);
  const auto outside = to_later.select(1, 0).narrow(1, 0, 4);
  EXPECT_LT(outside.abs().max().item<float>(), 1e-3F);
}

TEST(FlowGeometry, BatchesAreIndependent) {
  const auto both_10 = torch::cat({constant_flow(-8, 0), constant_flow(4, 4)}, 0);
  const auto both_01 = -both_10;
  const auto tau = torch::tensor({0.5F, 0.75F});
  const auto together = between(both_10, both_01, tau);
  for (int i = 0; i < 2; ++i) {
    const auto alone =
        between(both_10.narrow(0, i, 1), both_01.narrow(0, i, 1), tau.narrow(0, i, 1));
    EXPECT_LT((together.first.narrow(0, i, 1) - alone.first).abs().max().item<float>(), 1e-5F);
  }
}

}  // namespace
}  // namespace semcodec
