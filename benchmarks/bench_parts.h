#pragma once
// What network_bench measures: each part of encoder and decoder by itself, ready to run.

#include <torch/torch.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/core/safetensors.h"

namespace semcodec {

struct BenchSettings {
  std::string model = "default";  ///< a package
  int width = 512, height = 256;
  torch::Device device = torch::kCPU;
  std::optional<torch::Dtype> dtype;  ///< empty: what the machine does fastest
};

struct BenchPart {
  std::string name;
  bool whole_path = false;  ///< everything that the codec does there, not the network alone
  int frames = 1;           ///< pictures of width x height that one run makes or looks at
  TensorMap inputs;         ///< those of the network, so that others can be given the same
  std::function<torch::Tensor()> run;
  /// The same with its kernels launched one by one, for the table of layers; empty: as run.
  std::function<torch::Tensor()> steps;
};

/// All parts, in order. PiDiNet's sizes have weights by a formula, which `weights` (may be null)
/// receives by part: networks that ship have a file already.
std::vector<BenchPart> bench_parts(const BenchSettings& settings,
                                   std::map<std::string, TensorMap>* weights = nullptr);

/// The parts that a generator of the paper's size has (paper_package.h); settings.model is not
/// used.
std::vector<BenchPart> paper_parts(const BenchSettings& settings);

}  // namespace semcodec
