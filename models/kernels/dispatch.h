#pragma once
// Where the three operators of FlowNet2 find their implementation for a device.
//
// The CPU versions are always there. The CUDA versions (flow_kernels.cu) live in a shared library
// that links libtorch_cuda and is loaded, with its symbols global, only when a GPU is wanted. The
// library needs nothing from the program; it is found here by its one exported function
//   extern "C" const semcodec::kernels::FlowKernels* semcodec_cuda_flow_kernels();
// The autograd wrappers (correlation.h, resample.h, channel_norm.h) are shared by both.

#include <torch/torch.h>

namespace semcodec::kernels {

/// Raw operators without autograd. Shapes and units are those of the public headers; every
/// tensor argument of one call is on one device. Gradients have the shape of what they belong to.
struct FlowKernels {
  torch::Tensor (*correlation)(const torch::Tensor& a, const torch::Tensor& b, int steps,
                               int stride) = nullptr;
  /// Returns the gradients of a and of b.
  std::pair<torch::Tensor, torch::Tensor> (*correlation_backward)(const torch::Tensor& grad,
                                                                  const torch::Tensor& a,
                                                                  const torch::Tensor& b, int steps,
                                                                  int stride) = nullptr;

  torch::Tensor (*resample)(const torch::Tensor& image, const torch::Tensor& flow) = nullptr;
  /// Returns the gradients of the image and of the flow; an undefined tensor where not needed.
  std::pair<torch::Tensor, torch::Tensor> (*resample_backward)(const torch::Tensor& grad,
                                                               const torch::Tensor& image,
                                                               const torch::Tensor& flow,
                                                               bool need_image,
                                                               bool need_flow) = nullptr;

  torch::Tensor (*channel_norm)(const torch::Tensor& x) = nullptr;
  torch::Tensor (*channel_norm_backward)(const torch::Tensor& grad, const torch::Tensor& x,
                                         const torch::Tensor& norm) = nullptr;
};

/// Fills the table for CUDA tensors by hand. Not needed when the library above is loaded.
void register_cuda_kernels(const FlowKernels& table);

/// Whether there is a table for CUDA: registered, or of a library loaded by now.
bool have_cuda_kernels();

/// The table for a device; for CUDA that of plain_kernels.h when there is no other. Throws
/// Error(unsupported) for any device that is neither CPU nor CUDA.
const FlowKernels& kernels_for(const torch::Device& device);

}  // namespace semcodec::kernels
