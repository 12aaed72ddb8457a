#pragma once
// FlowNet2 as the rest of the project uses it: weights from one file, evaluation only, in the
// number format and at the input scale that are best for the machine.

#include <torch/torch.h>

#include <string>

#include "models/core/safetensors.h"
#include "models/flownet2/flownet2.h"

namespace semcodec {

class FlowEstimator {
 public:
  /// Opens a safetensors file of FlowNet2 weights. Its metadata name the network:
  ///   "network" = "flownet2", "variant", "width", "max_displacement" (FlowNet2Options), and
  ///   "input_scale" = 1 or 2: pictures are reduced by this factor first.
  /// A file without them (scripts/import_weights.py) is taken for a published full-width network;
  /// which of the family it is, its names say.
  /// Throws Error(input) / Error(corrupt) as load_safetensors() and load_into() do.
  FlowEstimator(const std::string& path, torch::Device device, torch::ScalarType type);

  /// Takes over a network in memory (training, tests).
  FlowEstimator(FlowNet2 net, int input_scale, torch::Device device, torch::ScalarType type);

  /// image0, image1: N×3×H×W RGB in 0..1. Returns N×2×H×W float in pixels of H×W such that
  /// image0(x) ≈ image1(x + flow).
  torch::Tensor flow(const torch::Tensor& image0, const torch::Tensor& image1);

  /// The same at 1/4 resolution, N×2×⌈H/4⌉×⌈W/4⌉, in pixels of H×W; the cheaper of the two, and
  /// the natural input of a receiver that works at 1/4 resolution.
  torch::Tensor flow_quarter(const torch::Tensor& image0, const torch::Tensor& image1);

  /// As flow_quarter(), and differentiable in the pictures (not in the weights), for losses.
  torch::Tensor quarter(const torch::Tensor& image0, const torch::Tensor& image1);

  const FlowNet2Options& options() const { return net_->options(); }
  int input_scale() const { return input_scale_; }

 private:
  torch::Tensor reduced(const torch::Tensor& image) const;
  void prepare(torch::Device device, torch::ScalarType type);

  FlowNet2 net_{nullptr};
  int input_scale_ = 1;
};

/// Metadata for a file that FlowEstimator can open.
Metadata flow_metadata(const FlowNet2Options& options, int input_scale);

/// The options and the input scale that metadata name. Throws Error(corrupt) naming `path`.
std::pair<FlowNet2Options, int> parse_flow_metadata(const Metadata& metadata,
                                                    const std::string& path);

}  // namespace semcodec
