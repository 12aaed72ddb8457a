#include "training/trainer/step_tools.h"

#include <algorithm>
#include <cmath>

namespace semcodec {

namespace {

double risen(std::int64_t step, std::int64_t warm_up) {
  return std::min(
      1.0, static_cast<double>(step + 1) / static_cast<double>(std::max<std::int64_t>(1, warm_up)));
}

}  // namespace

void LossNotes::add(const std::string& name, const torch::Tensor& loss, double share) {
  notes_.push_back({name, loss.detach(), share});
}

void LossNotes::settle(LossLog& log) {
  if (notes_.empty()) return;
  std::vector<torch::Tensor> losses;
  for (const auto& note : notes_) losses.push_back(note.loss.to(torch::kFloat32).reshape({}));
  const auto values = torch::stack(losses).to(torch::kCPU, torch::kFloat64);
  for (std::size_t i = 0; i < notes_.size(); ++i) {
    log.add(notes_[i].name, values[static_cast<std::int64_t>(i)].item<double>() * notes_[i].share);
  }
  notes_.clear();
}

double clip_gradients(const std::vector<torch::Tensor>& parameters, double largest) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (const auto& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  if (gradients.empty()) return 0;
  const double norm =
      torch::stack(at::_foreach_norm(gradients)).to(torch::kFloat32).norm().item<double>();
  const double scale = largest / (norm + 1e-6);
  if (largest > 0 && scale < 1) at::_foreach_mul_(gradients, scale);
  return norm;
}

double scheduled_rate(std::int64_t step, std::int64_t steps, std::int64_t warm_up, double last) {
  const double progress = static_cast<double>(step) / static_cast<double>(steps);
  const double cosine = 0.5 * (1.0 + std::cos(M_PI * std::min(1.0, progress)));
  return risen(step, warm_up) * (last + (1.0 - last) * cosine);
}

double stepped_rate(std::int64_t step, std::int64_t steps, std::int64_t warm_up) {
  const double progress = static_cast<double>(step) / static_cast<double>(steps);
  return risen(step, warm_up) * (progress < 0.5 ? 1.0 : progress < 0.8 ? 0.1 : 0.01);
}

void set_rate(torch::optim::Adam& adam, double rate) {
  for (auto& group : adam.param_groups()) {
    static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate);
  }
}

bool finite_weights(const std::vector<torch::Tensor>& parameters) {
  const torch::NoGradGuard no_grad;
  for (const auto& parameter : parameters) {
    if (!parameter.sum().isfinite().item<bool>()) return false;
  }
  return true;
}

}  // namespace semcodec
