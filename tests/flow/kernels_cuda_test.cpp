// The CUDA kernels of the flow operators against their reference implementation on the CPU.

#include <cmath>
#include <limits>

#include "tests/flow/flow_kernels_fixture.h"

namespace semcodec {
namespace {

struct CorrelationCase {
  std::vector<std::int64_t> shape;
  int reach, stride;
};

/// Odd sizes, channels that no vector divides, a reach beyond the picture, FlowNetC's 21 x 21 and
/// the slim network's 13 x 13 displacements, more than one tile both ways, more than one chunk.
const std::vector<CorrelationCase> kCorrelations = {
    {{2, 37, 9, 13}, 6, 2},  {{1, 1, 1, 1}, 0, 1},     {{1, 5, 3, 2}, 8, 1},
    {{1, 16, 7, 75}, 3, 1},  {{2, 32, 21, 70}, 20, 2}, {{1, 64, 19, 33}, 12, 2},
    {{1, 12, 11, 17}, 9, 3}, {{1, 8, 6, 40}, 24, 1},   {{2, 40, 9, 50}, 10, 1},
    {{1, 24, 30, 21}, 4, 2}};

TEST_F(FlowKernelsCuda, CorrelationEqualsTheCpuForwardsAndBackwards) {
  for (const auto& [shape, reach, stride] : kCorrelations) {
    for (const torch::Dtype type : kTypes) {
      for (const auto format : {kRows, kLast}) {
        SCOPED_TRACE(named(type) + ", " + std::to_string(shape[1]) + " channels, " +
                     std::to_string(shape[3]) + "x" + std::to_string(shape[2]) + ", reach " +
                     std::to_string(reach) + (format == kLast ? ", channels last" : ""));
        const auto a = random(shape, type, format), b = random(shape, type, format);
        const int steps = reach / stride;
        const auto want = twin().correlation(a, b, steps, stride);
        const auto ga = a.to(gpu()), gb = b.to(gpu());
        expect_near(own().correlation(ga, gb, steps, stride), want, tolerance_of(type));
        // Σ of some 441 products, each up to 10: the order of additions shows more than forwards.
        const Tolerance base = tolerance_of(type);
        const auto grad = random(want.sizes(), type, format);
        const auto wanted = twin().correlation_backward(grad, a, b, steps, stride);
        const auto got = own().correlation_backward(grad.to(gpu()), ga, gb, steps, stride);
        expect_near(got.first, wanted.first, {4 * base.absolute, base.relative});
        expect_near(got.second, wanted.second, {4 * base.absolute, base.relative});
      }
    }
  }
}

TEST_F(FlowKernelsCuda, CorrelationTakesViewsAndEmptyBatches) {
  const auto wide = random({2, 24, 9, 14}, torch::kHalf, kLast);
  // Channels 3 .. 18 of another tensor: neither dense nor aligned.
  const auto a = wide.narrow(1, 3, 16), b = wide.narrow(1, 5, 16);
  const auto there = wide.to(gpu());
  expect_near(own().correlation(there.narrow(1, 3, 16), there.narrow(1, 5, 16), 2, 1),
              twin().correlation(a, b, 2, 1), tolerance_of(torch::kHalf));
  const auto none = torch::zeros({0, 4, 5, 6}, gpu());
  EXPECT_EQ(own().correlation(none, none, 1, 1).sizes(), (std::vector<std::int64_t>{0, 9, 5, 6}));
}

/// Motion of some pixels, partly across the border.
Tensor random_flow(std::int64_t n, std::int64_t height, std::int64_t width) {
  return torch::randn({n, 2, height, width}) * 9;
}

const std::vector<std::vector<std::int64_t>> kPictures = {
    {2, 3, 17, 23}, {2, 3, 9, 130}, {1, 1, 1, 1},   {1, 8, 5, 131},
    {3, 20, 9, 7},  {1, 33, 4, 70}, {1, 2, 300, 1}, {1, 3, 1, 2}};

TEST_F(FlowKernelsCuda, ResampleEqualsTheCpuInBothLayouts) {
  for (const auto& shape : kPictures) {
    for (const torch::Dtype type : kTypes) {
      for (const auto format : {kRows, kLast}) {
        SCOPED_TRACE(named(type) + ", " + std::to_string(shape[1]) + " channels, " +
                     std::to_string(shape[3]) + "x" + std::to_string(shape[2]) +
                     (format == kLast ? ", channels last" : ""));
        const auto image = random(shape, type, format);
        // Flows of the picture's own type, and of float as the decoder has them.
        for (const torch::Dtype flow_type : {type, torch::kFloat}) {
          const auto flow = random_flow(shape[0], shape[2], shape[3]).to(flow_type);
          // Four products, and neighbours that cancel: what float loses is of their size, not of
          // the sum's; a few 1e-7 of values up to 5.
          const auto there = own().resample(image.to(gpu()), flow.to(gpu()));
          expect_near(there, twin().resample(image, flow), tolerance_of(type));
          EXPECT_EQ(there.suggest_memory_format(),
                    twin().resample(image, flow).suggest_memory_format());
        }
      }
    }
  }
}

TEST_F(FlowKernelsCuda, ResampleBackwardsEqualsTheCpu) {
  for (const auto& shape : kPictures) {
    for (const torch::Dtype type : kTypes) {
      SCOPED_TRACE(named(type) + ", " + std::to_string(shape[1]) + " channels, " +
                   std::to_string(shape[3]) + "x" + std::to_string(shape[2]));
      const auto image = random(shape, type, kLast), grad = random(shape, type);
      const auto flow = random_flow(shape[0], shape[2], shape[3]).to(type);
      // A border pixel gathers what many places looked up there: sums of up to 300 terms here.
      const Tolerance base = tolerance_of(type);
      const Tolerance wide{10 * base.absolute, base.relative};
      const auto want = twin().resample_backward(grad, image, flow, true, true);
      const auto g = grad.to(gpu()), i = image.to(gpu()), f = flow.to(gpu());
      const auto got = own().resample_backward(g, i, f, true, true);
      expect_near(got.first, want.first, wide);
      expect_near(got.second, want.second, wide);
      const auto flow_only = own().resample_backward(g, i, f, false, true);
      EXPECT_FALSE(flow_only.first.defined());
      expect_near(flow_only.second, want.second, wide);
      const auto image_only = own().resample_backward(g, i, f, true, false);
      expect_near(image_only.first, want.first, wide);
      EXPECT_FALSE(image_only.second.defined());
    }
  }
}

TEST_F(FlowKernelsCuda, ResampleIsExactWhereNothingMoves) {
  for (const torch::Dtype type : kTypes) {
    const auto image = random({2, 3, 33, 47}, type).to(gpu());
    const auto still = torch::zeros({2, 2, 33, 47}, gpu());
    EXPECT_TRUE(torch::equal(own().resample(image, still), image)) << named(type);
  }
}

TEST_F(FlowKernelsCuda, ResampleSurvivesFlowsThatAreNotNumbers) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto image = torch::rand({1, 5, 6, 7});
  auto flow = torch::zeros({1, 2, 6, 7});
  flow[0][0][0][0] = NAN;
  flow[0][1][0][1] = NAN;
  flow[0][0][1][1] = infinity;
  flow[0][0][1][2] = -infinity;
  flow[0][1][2][2] = -1e30F;
  flow[0][1][3][3] = 3e38F;
  for (const auto format : {kRows, kLast}) {
    for (const torch::Dtype type : kTypes) {
      SCOPED_TRACE(named(type));
      const auto source = image.to(type).contiguous(format);
      const auto there = own().resample(source.to(gpu()), flow.to(gpu()));
      expect_near(there, twin().resample(source, flow), tolerance_of(type));
      const auto want = twin().resample_backward(source, source, flow, true, false).first;
      expect_near(
          own()
              .resample_backward(source.to(gpu()), source.to(gpu()), flow.to(gpu()), true, true)
              .first,
          want, tolerance_of(type));
    }
  }
  // All of it, at a size of many blocks: no read may leave the picture.
  const auto wild = torch::full({1, 2, 200, 333}, NAN, gpu());
  EXPECT_TRUE(torch::isfinite(own().resample(torch::rand({1, 3, 200, 333}, gpu()), wild))
                  .all()
                  .item<bool>());
}

TEST_F(FlowKernelsCuda, ChannelNormEqualsTheCpuForwardsAndBackwards) {
  const std::vector<std::vector<std::int64_t>> shapes = {
      {2, 3, 17, 23}, {1, 2, 8, 64}, {1, 1, 1, 1}, {3, 37, 5, 7}, {1, 3, 64, 100}};
  for (const auto& shape : shapes) {
    for (const torch::Dtype type : kTypes) {
      for (const auto format : {kRows, kLast}) {
        SCOPED_TRACE(named(type) + ", " + std::to_string(shape[1]) + " channels" +
                     (format == kLast ? ", channels last" : ""));
        const auto x = random(shape, type, format);
        const auto norm = twin().channel_norm(x);
        const auto there = own().channel_norm(x.to(gpu()));
        expect_near(there, norm, tolerance_of(type));
        const auto grad = random(norm.sizes(), type);
        // The CPU rounds the quotient and the product, the GPU the product alone.
        const Tolerance base = tolerance_of(type);
        const auto want = twin().channel_norm_backward(grad, x, norm);
        expect_near(own().channel_norm_backward(grad.to(gpu()), x.to(gpu()), norm.to(gpu())), want,
                    {base.absolute, 2 * base.relative});
      }
    }
  }
  // A view that is dense in no layout.
  const auto wide = random({2, 6, 9, 11}, torch::kFloat).to(gpu());
  const auto part = wide.slice(1, 0, 6, 2).slice(3, 1, 10);
  expect_near(own().channel_norm(part), twin().channel_norm(part.cpu()),
              tolerance_of(torch::kFloat));
}

}  // namespace
}  // namespace semcodec
