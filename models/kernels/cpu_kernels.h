#pragma once
// The CPU side of dispatch.h. Not for use outside models/kernels: call the operators of
// correlation.h, resample.h and channel_norm.h, which check their arguments first.

#include <torch/torch.h>

#include <type_traits>

#include "common/cpu/bfloat.h"

namespace semcodec::kernels {

/// The elements of a float or of a bfloat16 map as the kernels of common/cpu take them.
template <typename T>
const T* elements(const torch::Tensor& map) {
  if constexpr (std::is_same_v<T, cpu::Bfloat>) {
    return reinterpret_cast<const T*>(map.const_data_ptr<c10::BFloat16>());
  } else {
    return map.const_data_ptr<T>();
  }
}
template <typename T>
T* mutable_elements(const torch::Tensor& map) {
  if constexpr (std::is_same_v<T, cpu::Bfloat>) {
    return reinterpret_cast<T*>(map.mutable_data_ptr<c10::BFloat16>());
  } else {
    return map.mutable_data_ptr<T>();
  }
}

torch::Tensor correlation_cpu(const torch::Tensor& a, const torch::Tensor& b, int steps,
                              int stride);
std::pair<torch::Tensor, torch::Tensor> correlation_backward_cpu(const torch::Tensor& grad,
                                                                 const torch::Tensor& a,
                                                                 const torch::Tensor& b, int steps,
                                                                 int stride);

torch::Tensor resample_cpu(const torch::Tensor& image, const torch::Tensor& flow);
std::pair<torch::Tensor, torch::Tensor> resample_backward_cpu(const torch::Tensor& grad,
                                                              const torch::Tensor& image,
                                                              const torch::Tensor& flow,
                                                              bool need_image, bool need_flow);

torch::Tensor channel_norm_cpu(const torch::Tensor& x);
torch::Tensor channel_norm_backward_cpu(const torch::Tensor& grad, const torch::Tensor& x,
                                        const torch::Tensor& norm);

}  // namespace semcodec::kernels
