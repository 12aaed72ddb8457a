#pragma once
// Memory of the device, and what to say when CUDA fails.

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "common/core/error.h"

namespace semcodec::cuda {

/// Throws Error(device) when a call failed while `doing`.
inline void check(cudaError_t status, const char* doing) {
  if (status == cudaSuccess) return;
  throw Error(ErrorKind::device, std::string("CUDA failed while ") + doing + ": " +
                                     cudaGetErrorString(status) +
                                     "; try --device cpu, or free the GPU's memory.");
}

/// Whether there is a device; otherwise `reason` (may be null) says why not.
inline bool have_device(std::string* reason) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaSuccess && devices > 0) return true;
  if (reason != nullptr) {
    *reason = status == cudaSuccess ? "no CUDA device was found" : cudaGetErrorString(status);
  }
  return false;
}

/// Memory of the current device that frees itself.
template <typename T>
class DeviceMemory {
 public:
  DeviceMemory() = default;
  explicit DeviceMemory(std::size_t count) { reserve(count); }
  ~DeviceMemory() { cudaFree(data_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// Room for `count` values; what was there is lost when it grows.
  void reserve(std::size_t count) {
    count = std::max<std::size_t>(count, 1);
    if (count <= count_) return;
    cudaFree(data_);
    data_ = nullptr;
    count_ = 0;
    check(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T)),
          "taking memory of the GPU");
    count_ = count;
  }

  T* get() const { return data_; }
  void upload(const T* from, std::size_t count) {
    check(cudaMemcpy(data_, from, count * sizeof(T), cudaMemcpyHostToDevice), "copying to the GPU");
  }
  void download(T* to, std::size_t count, std::size_t offset = 0) const {
    check(cudaMemcpy(to, data_ + offset, count * sizeof(T), cudaMemcpyDeviceToHost),
          "copying from the GPU");
  }
  void clear(std::size_t count) {
    check(cudaMemset(data_, 0, count * sizeof(T)), "clearing memory of the GPU");
  }

 private:
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

/// Seconds of one `work` by the device's clock, of `repeats` in a row on `stream`, after three that
/// do not count.
template <typename Work>
double device_seconds(cudaStream_t stream, int repeats, const Work& work) {
  cudaEvent_t begin{}, end{};
  check(cudaEventCreate(&begin), "preparing a clock");
  check(cudaEventCreate(&end), "preparing a clock");
  for (int i = -3; i < repeats; ++i) {
    if (i == 0) check(cudaEventRecord(begin, stream), "starting a clock");
    work();
  }
  check(cudaEventRecord(end, stream), "stopping a clock");
  check(cudaEventSynchronize(end), "waiting for a clock");
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, begin, end), "reading a clock");
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return milliseconds * 1e-3 / repeats;
}

}  // namespace semcodec::cuda
