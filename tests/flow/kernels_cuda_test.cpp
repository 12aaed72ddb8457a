// The CUDA kernels of the flow operators against their twins on the CPU, and their gradients
// against numeric differences in double, on the GPU itself.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "models/core/device.h"
#include "models/kernels/channel_norm.h"
#include "models/kernels/correlation.h"
#include "models/kernels/dispatch.h"
#include "models/kernels/plain_kernels.h"
#include "models/kernels/resample.h"
#include "tests/models/gpu_test.h"

namespace semcodec {
namespace {

using torch::Tensor;

constexpr auto kLast = at::MemoryFormat::ChannelsLast;
constexpr auto kRows = at::MemoryFormat::Contiguous;

const torch::Device& gpu() {
  static const torch::Device device(torch::kCUDA, 0);
  return device;
}

class FlowKernelsCuda : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (unusable()) return;
    ASSERT_TRUE(kernels::have_cuda_kernels());
    ASSERT_NE(&own(), &kernels::plain_kernels());
    torch::manual_seed(11);
  }

  static const kernels::FlowKernels& own() { return kernels::kernels_for(gpu()); }
  static const kernels::FlowKernels& twin() { return kernels::kernels_for(torch::kCPU); }
};

/// How far two computations of one number may be apart: |a - b| <= absolute + relative · |b|.
struct Tolerance {
  double absolute, relative;
};

/// Both sides get the same inputs, add in float (double for double) in another order, and round the
/// result once to the type: float's order of addition costs some 1e-6, and two roundings of nearly
/// the same number differ by one unit in the last place at most, 2^-10 of it in half precision and
/// 2^-7 in bfloat16.
Tolerance tolerance_of(torch::Dtype type) {
  if (type == torch::kDouble) return {1e-12, 1e-12};
  if (type == torch::kFloat) return {1e-5, 1e-5};
  if (type == torch::kHalf) return {1e-5, 1.0 / 1024};
  return {1e-5, 1.0 / 128};
}

void expect_near(const Tensor& got, const Tensor& want, Tolerance tolerance) {
  ASSERT_TRUE(got.defined() && want.defined());
  ASSERT_TRUE(got.is_cuda());
  ASSERT_EQ(got.sizes(), want.sizes());
  EXPECT_EQ(got.scalar_type(), want.scalar_type());
  if (want.numel() == 0) return;
  const auto a = got.cpu().to(torch::kDouble), b = want.cpu().to(torch::kDouble);
  EXPECT_TRUE(torch::isfinite(a).all().item<bool>());
  const auto excess = (a - b).abs() - tolerance.absolute - tolerance.relative * b.abs();
  EXPECT_LE(excess.max().item<double>(), 0)
      << "largest difference " << (a - b).abs().max().item<double>();
}

const std::vector<torch::Dtype> kTypes = {torch::kFloat, torch::kDouble, torch::kHalf,
                                          torch::kBFloat16};

std::string named(torch::Dtype type) { return c10::toString(type); }

Tensor random(at::IntArrayRef shape, torch::Dtype type, at::MemoryFormat format = kRows) {
  return torch::randn(shape).to(type).contiguous(format);
}

// Numeric gradient of Σ w · f(x) for every element of x, by central differences.
Tensor numeric_gradient(const std::function<Tensor(const Tensor&)>& f, const Tensor& x,
                        const Tensor& w) {
  const double step = 1e-5;
  const auto start = x.detach().cpu();
  auto result = torch::zeros(x.sizes(), torch::kDouble);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    auto high = start.clone(), low = start.clone();
    high.view(-1)[i] += step;
    low.view(-1)[i] -= step;
    const auto difference = f(high.to(gpu())) - f(low.to(gpu()));
    result.view(-1)[i] = (difference * w).sum().item<double>() / (2 * step);
  }
  return result;
}

Tensor analytic_gradient(const std::function<Tensor(const Tensor&)>& f, const Tensor& x,
                         const Tensor& w) {
  auto leaf = x.detach().clone().requires_grad_(true);
  (f(leaf) * w).sum().backward();
  return leaf.grad();
}

void expect_gradient(const std::function<Tensor(const Tensor&)>& f, const Tensor& x,
                     const Tensor& w) {
  expect_near(analytic_gradient(f, x, w), numeric_gradient(f, x, w), {1e-8, 0});
}

struct CorrelationCase {
  std::vector<std::int64_t> shape;
  int reach, stride;
};

/// Odd sizes, channels that no vector divides, a reach beyond the picture, FlowNetC's 21 x 21 and
/// the slim network's 13 x 13 displacements, more than one tile both ways, more than one chunk.
const std::vector<CorrelationCase> kCorrelations = {
    {{2, 37, 9, 13}, 6, 2},  {{1, 1, 1, 1}, 0, 1},     {{1, 5, 3, 2}, 8, 1},
    {{1, 16, 7, 75}, 3, 1},  {{2, 32, 21, 70}, 20, 2}, {{1, 64, 19, 33}, 12, 2},
    {{1, 12, 11, 17}, 9, 3}, {{1, 8, 6, 40}, 24, 1}};

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

TEST_F(FlowKernelsCuda, CorrelationGradientsAreThoseOfDifferences) {
  const auto options = torch::dtype(torch::kDouble).device(gpu());
  const auto a = torch::randn({2, 3, 3, 5}, options), b = torch::randn({2, 3, 3, 5}, options);
  const auto w = torch::randn({2, 25, 3, 5}, options);
  expect_gradient([&](const Tensor& t) { return correlation(t, b, 4, 2); }, a, w);
  expect_gradient([&](const Tensor& t) { return correlation(a, t, 4, 2); }, b, w);
}

/// Motion of some pixels, partly across the border.
Tensor random_flow(std::int64_t n, std::int64_t height, std::int64_t width) {
  return torch::randn({n, 2, height, width}) * 9;
}

const std::vector<std::vector<std::int64_t>> kPictures = {
    {2, 3, 17, 23}, {1, 1, 1, 1}, {1, 8, 5, 131}, {3, 20, 9, 7}, {1, 33, 4, 70}, {1, 2, 300, 1}};

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

TEST_F(FlowKernelsCuda, ResampleGradientsAreThoseOfDifferences) {
  const auto options = torch::dtype(torch::kDouble).device(gpu());
  const auto image = torch::randn({2, 3, 3, 5}, options);
  // Fractions away from whole pixels, where the derivative jumps.
  const auto flow =
      torch::randint(-3, 4, {2, 2, 3, 5}, options) + torch::rand({2, 2, 3, 5}, options) * 0.8 + 0.1;
  const auto w = torch::randn({2, 3, 3, 5}, options);
  expect_gradient([&](const Tensor& t) { return resample(t, flow); }, image, w);
  expect_gradient([&](const Tensor& t) { return resample(image, t); }, flow, w);
}

TEST_F(FlowKernelsCuda, DeterministicModeAddsInOrder) {
  const auto image = torch::randn({2, 3, 64, 96}, gpu()), w = torch::randn({2, 3, 64, 96}, gpu());
  // Everything looks at one corner, so that thousands of additions meet in one pixel.
  const auto flow = torch::full({2, 2, 64, 96}, -200.0, gpu());
  const auto gradient = [&] {
    return analytic_gradient([&](const Tensor& t) { return resample(t, flow); }, image, w);
  };
  set_deterministic(true);
  const auto ordered =
      kernels::plain_kernels().resample_backward(w, image, flow, true, false).first;
  const auto first = gradient(), second = gradient();
  set_deterministic(false);
  EXPECT_TRUE(torch::equal(first, second));
  EXPECT_TRUE(torch::equal(first, ordered));
  // 6144 terms a picture of about 1, in another order.
  expect_near(gradient(), first, {2e-3, 1e-4});
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

TEST_F(FlowKernelsCuda, ChannelNormGradientIsThatOfDifferencesAndZeroAtZero) {
  const auto options = torch::dtype(torch::kDouble).device(gpu());
  const auto x = torch::randn({2, 3, 3, 5}, options), w = torch::randn({2, 1, 3, 5}, options);
  expect_gradient([](const Tensor& t) { return channel_norm(t); }, x, w);
  for (const torch::Dtype type : kTypes) {
    auto zero = torch::zeros({1, 2, 3, 3}, torch::dtype(type).device(gpu())).requires_grad_(true);
    channel_norm(zero).sum().backward();
    EXPECT_EQ(zero.grad().abs().max().item<double>(), 0.0) << named(type);
  }
}

TEST_F(FlowKernelsCuda, WorkOnTheStreamTheyAreCalledOn) {
  // Work in flight on the current stream has to be seen: no kernel may run beside it.
  const auto image = torch::rand({1, 3, 1080, 1920}, gpu());
  const auto still = torch::zeros({1, 2, 1080, 1920}, gpu());
  auto sum = image;
  for (int i = 0; i < 20; ++i) sum = own().resample(sum + 1, still);
  EXPECT_LT((sum - image - 20).abs().max().item<double>(), 1e-4);
}

}  // namespace
}  // namespace semcodec
