#pragma once
// What the CPU's engines (generator_engine.h, interpolator_engine.h) get from torch.

#include <torch/torch.h>

#include "models/generator/generator_layers.h"

namespace semcodec {

/// The parameters of a module by name. Copies are made as they are asked for, so the module has to
/// outlive the questions only.
generate::Weight weights_of(const torch::nn::Module& module);

/// at::parallel_for: the threads that set_threads() allows.
generate::Parallel in_threads();

}  // namespace semcodec
