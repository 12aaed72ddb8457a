#include "training/trainer/fused_adam.h"

#include <map>
#include <memory>
#include <tuple>
#include <vector>

namespace semcodec {

namespace {

/// The operator walks memory without looking at strides, so all has to lie as the parameter does.
torch::Tensor laid_out_as(const torch::Tensor& parameter, const torch::Tensor& other) {
  if (other.strides() == parameter.strides()) return other;
  return torch::empty_like(parameter).copy_(other);
}

torch::optim::AdamParamState& state_of(torch::optim::Adam& optimizer,
                                       const torch::Tensor& parameter) {
  auto& held = optimizer.state()[parameter.unsafeGetTensorImpl()];
  if (!held) {
    auto fresh = std::make_unique<torch::optim::AdamParamState>();
    fresh->step(0);
    fresh->exp_avg(torch::zeros_like(parameter));
    fresh->exp_avg_sq(torch::zeros_like(parameter));
    held = std::move(fresh);
  }
  return static_cast<torch::optim::AdamParamState&>(*held);
}

}  // namespace

void fused_step(torch::optim::Adam& optimizer) {
  const torch::NoGradGuard no_grad;
  for (auto& group : optimizer.param_groups()) {
    const auto& options = static_cast<const torch::optim::AdamOptions&>(group.options());
    TORCH_CHECK(!options.amsgrad(), "fused_step() knows no amsgrad.");
    std::vector<torch::Tensor> parameters, gradients, means, squares, steps;
    // Read only, and nearly always the same for all: one tensor instead of a launch for each.
    std::map<std::int64_t, torch::Tensor> counts;
    for (auto& parameter : group.params()) {
      if (!parameter.grad().defined()) continue;
      auto& state = state_of(optimizer, parameter);
      state.step(state.step() + 1);
      state.exp_avg(laid_out_as(parameter, state.exp_avg()));
      state.exp_avg_sq(laid_out_as(parameter, state.exp_avg_sq()));
      parameters.push_back(parameter);
      gradients.push_back(laid_out_as(parameter, parameter.grad()));
      means.push_back(state.exp_avg());
      squares.push_back(state.exp_avg_sq());
      auto& count = counts[state.step()];
      if (!count.defined()) {
        count = torch::full({}, static_cast<double>(state.step()),
                            parameter.options().dtype(torch::kFloat32));
      }
      steps.push_back(count);
    }
    if (parameters.empty()) continue;
    at::_fused_adam_(parameters, gradients, means, squares, {}, steps, options.lr(),
                     std::get<0>(options.betas()), std::get<1>(options.betas()),
                     options.weight_decay(), options.eps(), /*amsgrad=*/false,
                     /*maximize=*/false);
  }
}

}  // namespace semcodec
