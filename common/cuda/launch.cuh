#pragma once
// Starting kernels without CUDA's <<<>>>, so that a host compiler can read the files that do
// (tests/cuda_on_host runs them on the CPU).

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

namespace semcodec::cuda {

/// Starts kernel<<<grid, block, shared_bytes, stream>>>(values...), each value converted to the
/// parameter's type. Says what CUDA says of the launch; errors of the run come with later calls.
template <typename... Parameters, typename... Values>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
                   cudaStream_t stream, Values&&... values) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, std::forward<Values>(values)...);
}

/// The block's dynamic shared memory, aligned for any T.
template <typename T>
__device__ T* dynamic_shared() {
#ifdef __CUDACC__
  extern __shared__ __align__(16) unsigned char memory[];
  return reinterpret_cast<T*>(memory);
#else
  return static_cast<T*>(cuda_on_host::dynamic_memory());
#endif
}

}  // namespace semcodec::cuda
