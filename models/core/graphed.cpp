#include "models/core/graphed.h"

#include <dlfcn.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "common/core/log.h"
#include "models/core/graph_capture.h"

namespace semcodec {

namespace {

/// More sets of shapes than any caller has; the oldest goes first.
constexpr std::size_t kMostPlans = 8;

const GraphCapture* capture() {
  using Getter = const GraphCapture* (*)();
  static const GraphCapture* const found = [] {
    const auto get = reinterpret_cast<Getter>(dlsym(RTLD_DEFAULT, "semcodec_cuda_graph_capture"));
    return get != nullptr ? get() : nullptr;
  }();
  return found;
}

bool same_form(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.defined() != b.defined()) return false;
  return !a.defined() ||
         (a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && a.device() == b.device());
}

}  // namespace

struct Graphed::Plan {
  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    if (recording != nullptr) capture()->destroy(recording);
  }
  Tensors inputs;             ///< where the graph reads
  Tensors outputs;            ///< where it writes
  void* recording = nullptr;  ///< null: the function is called step by step
};

Graphed::Graphed(std::string name, Function function)
    : name_(std::move(name)), function_(std::move(function)) {}

Graphed::~Graphed() = default;

Graphed::Plan& Graphed::plan_for(const Tensors& inputs) {
  const auto fits = [&](const std::unique_ptr<Plan>& plan) {
    return std::equal(inputs.begin(), inputs.end(), plan->inputs.begin(), plan->inputs.end(),
                      same_form);
  };
  const auto found = std::find_if(plans_.begin(), plans_.end(), fits);
  if (found != plans_.end()) return **found;
  if (plans_.size() == kMostPlans) plans_.erase(plans_.begin());
  auto plan = std::make_unique<Plan>();
  int device = 0;
  for (const auto& input : inputs) {
    plan->inputs.push_back(input.defined() ? input.clone(torch::MemoryFormat::Preserve) : input);
    if (input.defined()) device = input.get_device();
  }
  try {
    auto* made = plan.get();
    plan->recording =
        capture()->record([this, made] { made->outputs = function_(made->inputs); }, device);
  } catch (const std::exception& error) {
    log::warn_once("graph " + name_, "The " + name_ + " could not be recorded as a CUDA graph (" +
                                         std::string(error.what()).substr(0, 200) +
                                         "); its kernels are launched one by one, slower.");
  }
  plans_.push_back(std::move(plan));
  return *plans_.back();
}

Graphed::Tensors Graphed::operator()(const Tensors& inputs) {
  const torch::InferenceMode guard;
  const bool on_gpu = std::any_of(inputs.begin(), inputs.end(), [](const torch::Tensor& t) {
    return t.defined() && t.is_cuda();
  });
  if (!on_gpu || capture() == nullptr) return function_(inputs);
  Plan& plan = plan_for(inputs);
  if (plan.recording == nullptr) return function_(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].defined()) plan.inputs[i].copy_(inputs[i], /*non_blocking=*/true);
  }
  capture()->replay(plan.recording);
  return plan.outputs;
}

}  // namespace semcodec
