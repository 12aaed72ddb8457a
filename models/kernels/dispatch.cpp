#include "models/kernels/dispatch.h"

#include <dlfcn.h>

#include "common/core/error.h"
#include "models/kernels/cpu_kernels.h"
#include "models/kernels/plain_kernels.h"

namespace semcodec::kernels {
namespace {

FlowKernels& cuda_table() {
  static FlowKernels table;
  return table;
}

}  // namespace

void register_cuda_kernels(const FlowKernels& table) { cuda_table() = table; }

bool have_cuda_kernels() {
  if (cuda_table().correlation == nullptr) {
    using Getter = const FlowKernels* (*)();
    const auto get = reinterpret_cast<Getter>(dlsym(RTLD_DEFAULT, "semcodec_cuda_flow_kernels"));
    if (get != nullptr) register_cuda_kernels(*get());
  }
  return cuda_table().correlation != nullptr;
}

const FlowKernels& kernels_for(const torch::Device& device) {
  static const FlowKernels cpu_table{correlation_cpu,  correlation_backward_cpu,
                                     resample_cpu,     resample_backward_cpu,
                                     channel_norm_cpu, channel_norm_backward_cpu};
  if (device.is_cpu()) return cpu_table;
  require(device.is_cuda(), ErrorKind::unsupported,
          "The flow operators run on the CPU and on CUDA only, not on \"" + device.str() +
              "\"; choose --device cpu or cuda.");
  // parse_device() has said that they are missing, and what that costs.
  return have_cuda_kernels() ? cuda_table() : plain_kernels();
}

}  // namespace semcodec::kernels
