#pragma once
// Checkpoints: everything a run needs to go on with the same loss curve, in one safetensors file
// that is replaced atomically. Opening one runs no code.

#include <torch/torch.h>

#include <string>

#include "models/core/safetensors.h"

namespace semcodec {

/// Adds the parameters and buffers of a module under `prefix`.
void put_module(TensorMap& out, const std::string& prefix, const torch::nn::Module& module);
/// Puts them back. Throws Error(corrupt) naming `file` when one is missing or has another shape.
void take_module(const TensorMap& in, const std::string& prefix, torch::nn::Module& module,
                 const std::string& file);

/// Adam's moments and step counts, in the order of the parameter groups.
void put_adam(TensorMap& out, const std::string& prefix, torch::optim::Adam& optimizer);
void take_adam(const TensorMap& in, const std::string& prefix, torch::optim::Adam& optimizer,
               const std::string& file);

/// The step that the metadata of a checkpoint name. Throws Error(corrupt) naming `file` without
/// one.
std::int64_t checkpoint_step(const Metadata& metadata, const std::string& file);

/// Exponential moving average of a module's parameters (seed paper: "Adam with exponentially
/// weighted iterate averaging"): shadow ← decay · shadow + (1 − decay) · parameter. The decay is
/// eased in, min(decay, (1 + step) / (10 + step)), so that the start is forgotten quickly.
void update_average(torch::nn::Module& shadow, const torch::nn::Module& module, double decay,
                    std::int64_t step);

}  // namespace semcodec
