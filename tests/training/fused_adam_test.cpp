// The fused step against torch's own optimizer.

#include "training/trainer/fused_adam.h"

#include <gtest/gtest.h>

namespace semcodec {
namespace {

std::vector<torch::Tensor> parameters() {
  torch::manual_seed(5);
  std::vector<torch::Tensor> all = {torch::randn({8, 4, 3, 3}), torch::randn({17}),
                                    torch::randn({6, 5}), torch::randn({})};
  all[0] = all[0].contiguous(torch::MemoryFormat::ChannelsLast);
  for (auto& parameter : all) parameter.requires_grad_(true);
  return all;
}

TEST(FusedAdam, DoesWhatTheOptimizerDoes) {
  auto plain = parameters(), fused = parameters();
  const auto options = torch::optim::AdamOptions(3e-3).betas({0.5, 0.99}).weight_decay(1e-2);
  torch::optim::Adam one(plain, options), two(fused, options);
  for (int step = 0; step < 5; ++step) {
    for (std::size_t i = 0; i < plain.size(); ++i) {
      if (i == 1 && step < 2) continue;  // a parameter that joins later
      const auto gradient = torch::randn_like(plain[i]);
      plain[i].mutable_grad() = gradient.clone();
      // In another layout than the parameter's: values count, not where they lie.
      fused[i].mutable_grad() = gradient.contiguous();
    }
    one.step();
    fused_step(two);
  }
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_TRUE(torch::allclose(plain[i], fused[i], 1e-5, 1e-6)) << i;
    EXPECT_EQ(plain[i].strides(), fused[i].strides()) << i;
    const auto steps = [&](torch::optim::Adam& adam, const torch::Tensor& parameter) {
      return static_cast<torch::optim::AdamParamState&>(
                 *adam.state().at(parameter.unsafeGetTensorImpl()))
          .step();
    };
    EXPECT_EQ(steps(one, plain[i]), steps(two, fused[i]));
  }
}

TEST(FusedAdam, GoesOnFromAStateOfAnotherLayout) {
  auto plain = parameters(), fused = parameters();
  const torch::optim::AdamOptions options(1e-2);
  torch::optim::Adam one(plain, options), two(fused, options);
  for (int step = 0; step < 3; ++step) {
    for (std::size_t i = 0; i < plain.size(); ++i) {
      plain[i].mutable_grad() = torch::full_like(plain[i], 0.1 * (step + 1)) * plain[i].detach();
      fused[i].mutable_grad() = torch::full_like(fused[i], 0.1 * (step + 1)) * fused[i].detach();
    }
    one.step();
    fused_step(two);
    auto& state =
        static_cast<torch::optim::AdamParamState&>(*two.state().at(fused[0].unsafeGetTensorImpl()));
    state.exp_avg(state.exp_avg().contiguous());  // as a checkpoint of another program may have it
  }
  EXPECT_TRUE(torch::allclose(plain[0], fused[0], 1e-5, 1e-6));
}

}  // namespace
}  // namespace semcodec
