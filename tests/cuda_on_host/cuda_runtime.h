#pragma once
// What the project's kernels use of CUDA's language and run time, for the CPU (see block.h).
// "Device" memory is the host's; every call has ended when it returns. A test compiles a .cu file
// with this header, so names are CUDA's.

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#include "tests/cuda_on_host/block.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
// The threads of a block, and blocks one after the other, share what is static.
#define __shared__ static
#define __align__(n) alignas(n)

inline const cuda_on_host::Index& threadIdx = cuda_on_host::thread_index;
inline const cuda_on_host::Index& blockIdx = cuda_on_host::block_index;
inline const cuda_on_host::Extent& blockDim = cuda_on_host::block_extent;
inline const cuda_on_host::Extent& gridDim = cuda_on_host::grid_extent;

using dim3 = cuda_on_host::Extent;

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(4) uchar4 {
  unsigned char x, y, z, w;
};
struct float3 {
  float x, y, z;
};
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) {
  return {x, y, z, w};
}

// CUDA has these without std:: and for mixed integers.
template <typename A, typename B>
constexpr std::common_type_t<A, B> min(A a, B b) {
  return b < a ? b : a;
}
template <typename A, typename B>
constexpr std::common_type_t<A, B> max(A a, B b) {
  return a < b ? b : a;
}

/// Rounded down. In double the sum of two floats of like size is exact.
inline float __fadd_rd(float a, float b) {
  const double sum = double{a} + double{b};
  const auto nearest = static_cast<float>(sum);
  return double{nearest} > sum ? std::nextafter(nearest, -INFINITY) : nearest;
}
inline int __float_as_int(float v) {
  int bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}

template <typename T>
T atomicAdd(T* at, std::type_identity_t<T> value) {
  const T before = *at;
  *at = static_cast<T>(before + value);
  return before;
}
template <typename T>
T atomicMax(T* at, std::type_identity_t<T> value) {
  const T before = *at;
  if (before < value) *at = value;
  return before;
}

inline void __syncthreads() { cuda_on_host::wait_for_block(); }
inline void __syncwarp(unsigned = ~0U) { cuda_on_host::wait_for_warp(); }

/// All lanes take part.
template <typename T>
T __shfl_down_sync(unsigned, T value, unsigned distance) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  auto* slots = cuda_on_host::lane_slots();
  const unsigned lane = cuda_on_host::thread_rank() % cuda_on_host::kLanes;
  std::memcpy(slots + lane, &value, sizeof value);
  cuda_on_host::wait_for_warp();
  T result = value;
  if (lane + distance < cuda_on_host::kLanes) {
    std::memcpy(&result, slots + lane + distance, sizeof result);
  }
  cuda_on_host::wait_for_warp();
  return result;
}

enum cudaError_t { cudaSuccess, cudaErrorMemoryAllocation, cudaErrorInvalidConfiguration };
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDefault };
using cudaStream_t = void*;
constexpr unsigned cudaStreamNonBlocking = 1;
using cudaEvent_t = std::chrono::steady_clock::time_point*;

inline const char* cudaGetErrorString(cudaError_t) { return "out of memory, or a bad launch"; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
/// Of a device with one multiprocessor.
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = 1;
  return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaMalloc(void** to, std::size_t bytes) {
  *to = std::malloc(bytes);
  return *to != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaFree(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
  if (bytes > 0) std::memcpy(to, from, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes,
                                   cudaMemcpyKind kind, cudaStream_t) {
  return cudaMemcpy(to, from, bytes, kind);
}
inline cudaError_t cudaMallocHost(void** to, std::size_t bytes) { return cudaMalloc(to, bytes); }
inline cudaError_t cudaFreeHost(void* memory) { return cudaFree(memory); }
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = nullptr;
  return cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaMemset(void* at, int value, std::size_t bytes) {
  std::memset(at, value, bytes);
  return cudaSuccess;
}

inline cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new std::chrono::steady_clock::time_point;
  return cudaSuccess;
}
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t = nullptr) {
  *event = std::chrono::steady_clock::now();
  return cudaSuccess;
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  *milliseconds = std::chrono::duration<float, std::milli>(*end - *begin).count();
  return cudaSuccess;
}

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};

template <typename... Parameters, typename... Values>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Values&&... values) {
  cuda_on_host::run(config->gridDim, config->blockDim, config->dynamicSmemBytes,
                    [&] { kernel(static_cast<Parameters>(values)...); });
  return cudaSuccess;
}
