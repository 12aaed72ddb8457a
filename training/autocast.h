#pragma once
// Mixed precision as PyTorch's autocast does it, for one scope.

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

#include "models/core/device.h"

namespace semcodec {

/// bf16 for the convolutions and products while it lives, if `enabled` and on a device that
/// computes them: torch emulates them on other CPUs, by loops that take several times as long as
/// float32. Weights are converted once for all scopes within one scope, so these may hold no step
/// of an optimiser.
class Autocast {
 public:
  Autocast(torch::Device device, bool enabled)
      : kind_(device.type()), before_(at::autocast::is_autocast_enabled(kind_)) {
    at::autocast::set_autocast_enabled(kind_, enabled && (device.is_cuda() || cpu_has_bf16()));
    at::autocast::set_autocast_dtype(kind_, torch::kBFloat16);
  }
  ~Autocast() {
    at::autocast::set_autocast_enabled(kind_, before_);
    if (!before_) at::autocast::clear_cache();
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType kind_;
  bool before_;
};

}  // namespace semcodec
