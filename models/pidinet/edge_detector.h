#pragma once
// PiDiNet as the encoder uses it: folded, channels last, in the fastest number format.

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/pidinet/pidinet.h"

namespace semcodec {

class EdgeDetector {
 public:
  /// From a safetensors file with a PiDiNet of any size. Without a `dtype`:
  /// inference_dtype(device). On the CPU engine_wanted() decides between EdgeEngine and torch.
  EdgeDetector(const std::string& path, torch::Device device,
               std::optional<torch::Dtype> dtype = std::nullopt);
  /// From a network in memory, whose current parameters are folded and copied.
  EdgeDetector(const PiDiNet& net, torch::Device device,
               std::optional<torch::Dtype> dtype = std::nullopt);
  ~EdgeDetector();
  EdgeDetector(EdgeDetector&&) noexcept;
  EdgeDetector& operator=(EdgeDetector&&) noexcept;

  /// N x 3 x H x W RGB, either uint8 0..255 or floating 0..1, on any device, any memory order ->
  /// edge probability 0..1, float32, N x 1 x H x W, on the detector's device. H, W >= 8.
  torch::Tensor detect(const torch::Tensor& rgb) const;

  /// The five probability maps of PiDiNetImpl::forward_all, float32 and shaped as above, for
  /// teaching another network. Not tensors of inference mode, so a loss may use them.
  std::vector<torch::Tensor> detect_all(const torch::Tensor& rgb) const;

  torch::Dtype dtype() const;
  torch::Device device() const;

 private:
  struct Folded;
  std::unique_ptr<Folded> net_;
};

}  // namespace semcodec
