#include "models/generator/engine_access.h"

#include <ATen/Parallel.h>

namespace semcodec {

generate::Weight weights_of(const torch::nn::Module& module) {
  return [parameters = module.named_parameters()](const std::string& name) {
    const auto flat = parameters[name].detach().to(torch::kFloat32).contiguous();
    return std::vector<float>(flat.const_data_ptr<float>(),
                              flat.const_data_ptr<float>() + flat.numel());
  };
}

generate::Parallel in_threads() {
  return [](std::int64_t count, const auto& body) { at::parallel_for(0, count, 4, body); };
}

}  // namespace semcodec
