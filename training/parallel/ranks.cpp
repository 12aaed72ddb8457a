#include "training/parallel/ranks.h"

#include <exception>

#include "common/core/error.h"
#include "training/parallel/gpu_sum.h"
#include "training/parallel/rank_engine.h"

namespace semcodec {

Ranks::Ranks() : uncaught_(std::uncaught_exceptions()), engine_(join_mpi()) {
  if (!engine_) engine_ = join_gloo();
  if (!engine_) return;
  rank_ = engine_->rank();
  size_ = engine_->size();
}

Ranks::~Ranks() {
  if (engine_) engine_->leave(std::uncaught_exceptions() > uncaught_);
}

int Ranks::local_rank() const { return engine_ ? engine_->local_rank() : 0; }

void Ranks::use_nccl(torch::Device device) {
  require(device.is_cuda(), ErrorKind::usage,
          "'all_reduce' is \"nccl\", but this run is not on a GPU; leave it at \"main_memory\".");
  if (size_ > 1) gpus_ = join_nccl(rank_, size_);
}

double Ranks::average_gradients(const std::vector<torch::Tensor>& parameters, double flag) const {
  if (size_ < 2) return flag;
  const torch::NoGradGuard guard;
  const auto where = gpus_ ? parameters.front().device() : torch::Device(torch::kCPU);
  std::vector<torch::Tensor> parts;
  for (const auto& parameter : parameters) {
    auto& gradient = const_cast<torch::Tensor&>(parameter).mutable_grad();
    if (!gradient.defined()) gradient = torch::zeros_like(parameter);
    parts.push_back(gradient.reshape({-1}).to(where, torch::kFloat32));
  }
  parts.push_back(torch::full({1}, flag, torch::TensorOptions(where).dtype(torch::kFloat32)));
  auto all = torch::cat(parts);
  if (gpus_) {
    gpus_->sum(all);
  } else {
    engine_->sum(all);
  }
  std::int64_t offset = 0;
  for (const auto& parameter : parameters) {
    const auto& gradient = parameter.grad();
    const auto count = gradient.numel();
    const auto mean = all.narrow(0, offset, count) / size_;
    gradient.copy_(mean.reshape(gradient.sizes()));
    offset += count;
  }
  return all[offset].item<double>();
}

void Ranks::sum(std::vector<double>& values) const {
  if (size_ < 2) return;
  auto all = torch::tensor(values, torch::kFloat64);
  engine_->sum(all);
  const auto* sums = all.data_ptr<double>();
  values.assign(sums, sums + values.size());
}

void Ranks::wait() const {
  if (engine_) engine_->wait();
}

}  // namespace semcodec
