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

/// Loads weights to start from. A network with more residual blocks than the file has starts as the
/// file's does: the second convolution of the new blocks is zero, so that they add nothing until
/// they have learnt something (Chen et al. 2016, arXiv 1511.05641). Where the file has nothing
/// whose name begins with `own_part`, the module keeps its own. Throws as load_into().
void start_from(torch::nn::Module& module, const std::string& path,
                const std::string& own_part = {});

/// Removes what a run that was killed while writing PATH left beside it.
void remove_partial_files(const std::string& path);

/// Exponential moving average of a module's parameters (seed paper: "Adam with exponentially
/// weighted iterate averaging"): ema ← decay · ema + (1 − decay) · parameter. The decay is
/// eased in, min(decay, (1 + step) / (10 + step)), so that the start is forgotten quickly.
void update_ema(torch::nn::Module& ema, const torch::nn::Module& module, double decay,
                std::int64_t step);

}  // namespace semcodec
