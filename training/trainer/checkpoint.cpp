#include "training/trainer/checkpoint.h"

#include <algorithm>
#include <filesystem>

#include "common/core/error.h"

namespace semcodec {

void put_module(TensorMap& out, const std::string& prefix, const torch::nn::Module& module) {
  for (const auto& [name, tensor] : state_of(module)) out[prefix + name] = tensor.detach();
}

void take_module(const TensorMap& in, const std::string& prefix, torch::nn::Module& module,
                 const std::string& file) {
  TensorMap own;
  for (const auto& [name, tensor] : in) {
    if (name.rfind(prefix, 0) == 0) own[name.substr(prefix.size())] = tensor;
  }
  load_into(module, own, file);
}

namespace {

template <typename Visit>
void for_each_parameter(torch::optim::Adam& optimizer, const std::string& prefix, Visit visit) {
  std::size_t index = 0;
  for (auto& group : optimizer.param_groups()) {
    for (auto& parameter : group.params()) {
      visit(parameter, prefix + std::to_string(index++) + ".");
    }
  }
}

}  // namespace

void put_adam(TensorMap& out, const std::string& prefix, torch::optim::Adam& optimizer) {
  for_each_parameter(optimizer, prefix, [&](torch::Tensor& parameter, const std::string& name) {
    const auto found = optimizer.state().find(parameter.unsafeGetTensorImpl());
    if (found == optimizer.state().end()) return;  // not stepped yet
    const auto& state = static_cast<const torch::optim::AdamParamState&>(*found->second);
    out[name + "mean"] = state.exp_avg();
    out[name + "square"] = state.exp_avg_sq();
    out[name + "step"] = torch::tensor({state.step()}, torch::kInt64);
  });
}

void take_adam(const TensorMap& in, const std::string& prefix, torch::optim::Adam& optimizer,
               const std::string& file) {
  optimizer.state().clear();  // what is not in the file had not been stepped yet
  for_each_parameter(optimizer, prefix, [&](torch::Tensor& parameter, const std::string& name) {
    const auto mean = in.find(name + "mean"), square = in.find(name + "square"),
               step = in.find(name + "step");
    if (mean == in.end()) return;
    require(square != in.end() && step != in.end() && step->second.numel() == 1 &&
                mean->second.sizes() == parameter.sizes() &&
                square->second.sizes() == parameter.sizes(),
            ErrorKind::corrupt, file + " holds the optimizer of another network.");
    auto state = std::make_unique<torch::optim::AdamParamState>();
    state->exp_avg(mean->second.to(parameter.device()).clone(parameter.suggest_memory_format()));
    state->exp_avg_sq(
        square->second.to(parameter.device()).clone(parameter.suggest_memory_format()));
    state->step(step->second.item<int64_t>());
    optimizer.state()[parameter.unsafeGetTensorImpl()] = std::move(state);
  });
}

std::int64_t checkpoint_step(const Metadata& metadata, const std::string& file) {
  const auto found = metadata.find("step");
  require(found != metadata.end() && !found->second.empty() &&
              found->second.find_first_not_of("0123456789") == std::string::npos &&
              found->second.size() < 16,
          ErrorKind::corrupt, file + " does not say its step; it is no checkpoint of this stage.");
  return std::stoll(found->second);
}

void start_from(torch::nn::Module& module, const std::string& path, const std::string& own_part) {
  auto tensors = load_safetensors(path);
  const auto holds = [&](const std::string& prefix) {
    const auto at = tensors.lower_bound(prefix);
    return at != tensors.end() && at->first.rfind(prefix, 0) == 0;
  };
  const bool keep = !own_part.empty() && !holds(own_part);
  for (const auto& [name, tensor] : state_of(module)) {
    if (keep && name.rfind(own_part, 0) == 0) {
      tensors[name] = tensor.clone();
      continue;
    }
    const auto conv2 = name.find(".conv2.");
    const auto conv1 = name.find(".conv1.");
    if (tensors.contains(name) || (conv1 == std::string::npos && conv2 == std::string::npos)) {
      continue;
    }
    tensors[name] = conv2 == std::string::npos ? tensor.clone() : torch::zeros_like(tensor);
  }
  load_into(module, tensors, path);
}

void remove_partial_files(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path whole(path);
  const std::string start = whole.filename().string() + ".part";
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(whole.parent_path(), code)) {
    if (entry.path().filename().string().rfind(start, 0) != 0) continue;
    std::error_code ignored;
    fs::remove(entry.path(), ignored);
  }
}

void update_ema(torch::nn::Module& ema, const torch::nn::Module& module, double decay,
                std::int64_t step) {
  torch::NoGradGuard guard;
  const double now =
      std::min(decay, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
  std::vector<torch::Tensor> source;
  for (const auto& parameter : module.parameters()) source.push_back(parameter.detach());
  if (source.empty()) return;  // a network without layers, which foreach refuses
  at::_foreach_lerp_(ema.parameters(), source, 1.0 - now);
}

}  // namespace semcodec
