#pragma once
// The CPU side of dispatch.h. Not for use outside models/kernels: call the operators of
// correlation.h, resample.h and channel_norm.h, which check their arguments first.

#include <torch/torch.h>

// The inner loops are compiled once per instruction set and chosen at program start. Sanitizers
// and function resolvers do not go together, so such builds keep the baseline version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SEMCODEC_VECTOR_CLONES \
  __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define SEMCODEC_VECTOR_CLONES
#endif

namespace semcodec::kernels {

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
