#include "training/trainer/task.h"

#include "models/core/device.h"

namespace semcodec {

namespace {

/// The ranks of a machine take its GPUs in turn.
torch::Device choose_device(const std::string& text, const Ranks& ranks) {
  const auto chosen = parse_device(text);
  if (!chosen.is_cuda() || ranks.size() < 2 || text.find(':') != std::string::npos) return chosen;
  const auto count = static_cast<int>(torch::cuda::device_count());
  return parse_device("cuda:" + std::to_string(ranks.local_rank() % count));
}

}  // namespace

Task::Task(const TrainerOptions& options, const Ranks& ranks)
    : settings_(options), ranks_(ranks), device_(choose_device(options.device, ranks)) {
  set_threads(options.threads);
  torch::manual_seed(options.seed);
}

TensorMap half_precision(const torch::nn::Module& module) {
  TensorMap halves;
  for (const auto& [key, tensor] : state_of(module)) {
    halves[key] = tensor.detach().to(torch::kCPU, torch::kFloat16).contiguous();
  }
  return halves;
}

}  // namespace semcodec
