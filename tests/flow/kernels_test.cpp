// The operators of FlowNet2 against plain loops, against other formulations in torch, and their
// gradients against numeric differences in double.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>

#include "common/core/error.h"
#include "models/kernels/channel_norm.h"
#include "models/kernels/correlation.h"
#include "models/kernels/plain_kernels.h"
#include "models/kernels/resample.h"

namespace semcodec {
namespace {

namespace F = torch::nn::functional;

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(torch::kDouble) - b.to(torch::kDouble)).abs().max().item<double>();
}

// Numeric gradient of Σ w · f(x) for every element of x, by central differences.
torch::Tensor numeric_gradient(const std::function<torch::Tensor(const torch::Tensor&)>& f,
                               const torch::Tensor& x, const torch::Tensor& w) {
  const double step = 1e-5;
  auto result = torch::zeros_like(x);
  auto flat = result.view(-1);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    auto high = x.detach().clone(), low = high.clone();
    high.view(-1)[i] += step;
    low.view(-1)[i] -= step;
    flat[i] = ((f(high) - f(low)) * w).sum() / (2 * step);
  }
  return result;
}

torch::Tensor analytic_gradient(const std::function<torch::Tensor(const torch::Tensor&)>& f,
                                const torch::Tensor& x, const torch::Tensor& w) {
  auto leaf = x.detach().clone().requires_grad_(true);
  (f(leaf) * w).sum().backward();
  return leaf.grad();
}

torch::Tensor naive_correlation(const torch::Tensor& a, const torch::Tensor& b, int reach,
                                int stride) {
  const int s = reach / stride, side = 2 * s + 1;
  const auto n = a.size(0), c = a.size(1), h = a.size(2), w = a.size(3);
  auto out = torch::zeros({n, side * side, h, w}, torch::kDouble);
  const auto fa = a.to(torch::kDouble).contiguous(), fb = b.to(torch::kDouble).contiguous();
  auto pa = fa.accessor<double, 4>(), pb = fb.accessor<double, 4>();
  auto po = out.accessor<double, 4>();
  for (int k = 0; k < n; ++k)
    for (int j = -s; j <= s; ++j)
      for (int i = -s; i <= s; ++i)
        for (int y = 0; y < h; ++y)
          for (int x = 0; x < w; ++x) {
            const int by = y + j * stride, bx = x + i * stride;
            if (by < 0 || by >= h || bx < 0 || bx >= w) continue;
            double sum = 0;
            for (int q = 0; q < c; ++q) sum += pa[k][q][y][x] * pb[k][q][by][bx];
            po[k][(j + s) * side + i + s][y][x] = sum / static_cast<double>(c);
          }
  return out;
}

TEST(Correlation, EqualsPlainLoopsInEveryType) {
  torch::manual_seed(1);
  for (const int channels : {1, 7, 16, 37}) {
    const auto a = torch::randn({2, channels, 9, 13}), b = torch::randn({2, channels, 9, 13});
    const auto want = naive_correlation(a, b, 6, 2);
    EXPECT_EQ(want.size(1), correlation_channels(6, 2));
    EXPECT_LT(largest_difference(correlation(a, b, 6, 2), want), 1e-5);
    EXPECT_LT(
        largest_difference(correlation(a.to(torch::kDouble), b.to(torch::kDouble), 6, 2), want),
        1e-12);
    const auto ha = a.to(torch::kBFloat16), hb = b.to(torch::kBFloat16);
    const auto half = correlation(ha, hb, 6, 2);
    EXPECT_EQ(half.scalar_type(), torch::kBFloat16);
    // One rounding of the sum, which is at most 2^-8 of it.
    EXPECT_TRUE(
        torch::allclose(half.to(torch::kDouble), naive_correlation(ha, hb, 6, 2), 1.0 / 256, 1e-5));
  }
}

TEST(Correlation, EqualsUnfoldAndEinsumAtFlowNetSize) {
  torch::manual_seed(2);
  const auto a = torch::randn({1, 32, 12, 16}), b = torch::randn({1, 32, 12, 16});
  // All 41 shifts a side, of which every second is used.
  const auto patches =
      F::unfold(F::pad(b, F::PadFuncOptions({20, 20, 20, 20})), F::UnfoldFuncOptions({41, 41}))
          .view({1, 32, 41, 41, 12, 16})
          .slice(2, 0, 41, 2)
          .slice(3, 0, 41, 2);
  const auto want =
      torch::einsum("ncyx,ncjiyx->njiyx", {a, patches}).reshape({1, 441, 12, 16}) / 32;
  EXPECT_LT(largest_difference(correlation(a, b, 20, 2), want), 1e-5);
}

TEST(Correlation, GradientsAreThoseOfDifferences) {
  torch::manual_seed(3);
  const auto options = torch::dtype(torch::kDouble);
  const auto a = torch::randn({2, 3, 4, 5}, options), b = torch::randn({2, 3, 4, 5}, options);
  const auto w = torch::randn({2, 25, 4, 5}, options);
  const auto of_a = [&](const torch::Tensor& t) { return correlation(t, b, 4, 2); };
  const auto of_b = [&](const torch::Tensor& t) { return correlation(a, t, 4, 2); };
  EXPECT_LT(largest_difference(analytic_gradient(of_a, a, w), numeric_gradient(of_a, a, w)), 1e-8);
  EXPECT_LT(largest_difference(analytic_gradient(of_b, b, w), numeric_gradient(of_b, b, w)), 1e-8);
}

TEST(Correlation, RefusesWhatItCannotCompare) {
  EXPECT_THROW(correlation(torch::zeros({1, 2, 4, 4}), torch::zeros({1, 2, 4, 5}), 4, 2), Error);
  EXPECT_THROW(correlation(torch::zeros({1, 2, 4, 4}), torch::zeros({1, 2, 4, 4}), 4, 0), Error);
}

torch::Tensor warped_by_grid_sample(const torch::Tensor& image, const torch::Tensor& flow) {
  const auto h = image.size(2), w = image.size(3);
  const auto x = torch::arange(w, flow.options()).view({1, 1, w}) + flow.select(1, 0);
  const auto y = torch::arange(h, flow.options()).view({1, h, 1}) + flow.select(1, 1);
  const auto grid = torch::stack({x * 2 / (w - 1) - 1, y * 2 / (h - 1) - 1}, 3);
  return F::grid_sample(image, grid,
                        F::GridSampleFuncOptions()
                            .mode(torch::kBilinear)
                            .padding_mode(torch::kBorder)
                            .align_corners(true));
}

TEST(Resample, EqualsGridSampleInBothLayouts) {
  torch::manual_seed(4);
  for (const int channels : {1, 3, 8}) {
    const auto image = torch::randn({2, channels, 17, 23});
    const auto flow = torch::randn({2, 2, 17, 23}) * 9;  // often beyond the border
    const auto want = warped_by_grid_sample(image, flow);
    EXPECT_LT(largest_difference(resample(image, flow), want), 2e-5);
    const auto last = image.contiguous(at::MemoryFormat::ChannelsLast);
    EXPECT_LT(largest_difference(resample(last, flow), want), 2e-5);
    EXPECT_LT(largest_difference(resample(image.to(torch::kBFloat16), flow), want), 0.05);
  }
}

TEST(Resample, ZeroFlowIsExactAndWholePixelsShift) {
  const auto image = torch::rand({1, 3, 6, 8});
  EXPECT_TRUE(torch::equal(resample(image, torch::zeros({1, 2, 6, 8})), image));
  auto flow = torch::zeros({1, 2, 6, 8});
  flow.select(1, 0).fill_(2);
  flow.select(1, 1).fill_(-1);
  const auto shifted = resample(image, flow);
  EXPECT_TRUE(
      torch::equal(shifted.slice(2, 1, 6).slice(3, 0, 6), image.slice(2, 0, 5).slice(3, 2, 8)));
}

TEST(Resample, SurvivesFlowsThatAreNotNumbers) {
  const auto image = torch::rand({1, 2, 4, 4});
  auto flow = torch::zeros({1, 2, 4, 4});
  flow[0][0][0][0] = NAN;
  flow[0][0][1][1] = INFINITY;
  flow[0][1][2][2] = -1e30F;
  EXPECT_TRUE(torch::isfinite(resample(image, flow)).all().item<bool>());
  EXPECT_EQ(resample(image, flow)[0][0][1][1].item<float>(), image[0][0][1][3].item<float>());
}

TEST(Resample, GradientsAreThoseOfDifferences) {
  torch::manual_seed(5);
  const auto options = torch::dtype(torch::kDouble);
  const auto image = torch::randn({2, 3, 5, 6}, options);
  // Fractions away from whole pixels, where the derivative jumps.
  const auto flow =
      torch::randint(-3, 4, {2, 2, 5, 6}, options) + torch::rand({2, 2, 5, 6}, options) * 0.8 + 0.1;
  const auto w = torch::randn({2, 3, 5, 6}, options);
  const auto of_image = [&](const torch::Tensor& t) { return resample(t, flow); };
  const auto of_flow = [&](const torch::Tensor& t) { return resample(image, t); };
  EXPECT_LT(largest_difference(analytic_gradient(of_image, image, w),
                               numeric_gradient(of_image, image, w)),
            1e-8);
  EXPECT_LT(
      largest_difference(analytic_gradient(of_flow, flow, w), numeric_gradient(of_flow, flow, w)),
      1e-8);
}

TEST(ChannelNorm, EqualsTheNormAndItsGradient) {
  torch::manual_seed(6);
  const auto x = torch::randn({2, 3, 4, 5}, torch::kDouble);
  EXPECT_LT(largest_difference(channel_norm(x), x.norm(2, 1, true)), 1e-12);
  const auto w = torch::randn({2, 1, 4, 5}, torch::kDouble);
  const auto f = [](const torch::Tensor& t) { return channel_norm(t); };
  EXPECT_LT(largest_difference(analytic_gradient(f, x, w), numeric_gradient(f, x, w)), 1e-8);
}

TEST(ChannelNorm, HasNoGradientAtZero) {
  auto x = torch::zeros({1, 2, 2, 2}).requires_grad_(true);
  channel_norm(x).sum().backward();
  EXPECT_EQ(x.grad().abs().max().item<float>(), 0.0F);
}

TEST(PlainKernels, EqualTheCpuKernelsForwardsAndBackwards) {
  torch::manual_seed(7);
  const auto& plain = kernels::plain_kernels();
  const auto& own = kernels::kernels_for(torch::kCPU);
  const auto a = torch::randn({2, 5, 9, 13}), b = torch::randn({2, 5, 9, 13});
  const auto cost = own.correlation(a, b, 3, 2);
  EXPECT_LT(largest_difference(plain.correlation(a, b, 3, 2), cost), 1e-5);
  const auto g = torch::randn_like(cost);
  const auto want = own.correlation_backward(g, a, b, 3, 2);
  const auto got = plain.correlation_backward(g, a, b, 3, 2);
  EXPECT_LT(largest_difference(got.first, want.first), 1e-5);
  EXPECT_LT(largest_difference(got.second, want.second), 1e-5);

  const auto flow = torch::randn({2, 2, 9, 13}) * 6;
  for (const auto& image : {a, a.contiguous(at::MemoryFormat::ChannelsLast)}) {
    const auto moved = plain.resample(image, flow);
    EXPECT_LT(largest_difference(moved, own.resample(image, flow)), 1e-5);
    EXPECT_EQ(moved.suggest_memory_format(), image.suggest_memory_format());
  }
  const auto both = own.resample_backward(b, a, flow, true, true);
  const auto steps = plain.resample_backward(b, a, flow, true, true);
  EXPECT_LT(largest_difference(steps.first, both.first), 1e-5);
  EXPECT_LT(largest_difference(steps.second, both.second), 1e-5);
  const auto flow_only = plain.resample_backward(b, a, flow, false, true);
  EXPECT_FALSE(flow_only.first.defined());
  EXPECT_TRUE(torch::equal(flow_only.second, steps.second));
  auto odd = torch::zeros({2, 2, 9, 13});
  odd[0][0][0][0] = NAN;
  odd[1][1][2][2] = -1e30F;
  EXPECT_TRUE(torch::equal(plain.resample(a, odd), own.resample(a, odd)));
}

TEST(Dispatch, StepsOfTorchStandInForMissingCudaKernels) {
  if (kernels::have_cuda_kernels()) GTEST_SKIP() << "a CUDA module is loaded";
  EXPECT_EQ(&kernels::kernels_for(torch::Device(torch::kCUDA, 0)), &kernels::plain_kernels());
  EXPECT_THROW(kernels::kernels_for(torch::Device(torch::kMeta)), Error);
}

}  // namespace
}  // namespace semcodec
