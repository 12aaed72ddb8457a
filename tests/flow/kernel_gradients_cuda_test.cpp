// Gradients of the CUDA kernels against numeric differences in double, on the GPU itself, by way of
// the operators; what determinism and streams ask of them.

#include <functional>

#include "models/core/device.h"
#include "models/kernels/channel_norm.h"
#include "models/kernels/correlation.h"
#include "models/kernels/resample.h"
#include "tests/flow/flow_kernels_fixture.h"

namespace semcodec {
namespace {

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

TEST_F(FlowKernelsCuda, CorrelationGradientsAreThoseOfDifferences) {
  const auto options = torch::dtype(torch::kDouble).device(gpu());
  const auto a = torch::randn({2, 3, 3, 5}, options), b = torch::randn({2, 3, 3, 5}, options);
  const auto w = torch::randn({2, 25, 3, 5}, options);
  expect_gradient([&](const Tensor& t) { return correlation(t, b, 4, 2); }, a, w);
  expect_gradient([&](const Tensor& t) { return correlation(a, t, 4, 2); }, b, w);
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
