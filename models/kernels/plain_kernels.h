#pragma once
// The operators of FlowNet2 as steps of torch, which run on every device. They stand in where the
// CUDA module is not loaded, and give the gradient of the image the same bits every time where
// determinism is asked for (the CUDA kernel adds in the order in which threads come). Slower than
// the kernels, and correlation holds a copy of the second tensor. Call the operators of
// correlation.h, resample.h and channel_norm.h instead, which check their arguments first.

#include "models/kernels/dispatch.h"

namespace semcodec::kernels {

/// The table of dispatch.h, for tensors of any device.
const FlowKernels& plain_kernels();

}  // namespace semcodec::kernels
