#pragma once
// Sums over the ranks' GPUs, without the way through main memory.

#include <torch/torch.h>

#include <memory>
#include <string>

namespace semcodec {

class GpuSum {
 public:
  virtual ~GpuSum() = default;
  /// Sums a contiguous float32 tensor on this rank's GPU over the ranks, in place. Throws
  /// Error(internal) when another rank has died.
  virtual void sum(torch::Tensor& values) = 0;
};

/// By NCCL, for ranks that torchrun's environment variables tell of each other (rank_engine.h):
/// c10d::ProcessGroupNCCL, in libsemcodec_nccl.so beside the program, which CUDA builds have where
/// nccl.h was found. Throws Error(unsupported) that says what is missing.
std::unique_ptr<GpuSum> join_nccl(int rank, int size);

/// What libsemcodec_nccl.so gives; `run` tells restarts apart. Throws std::exception.
extern "C" GpuSum* semcodec_nccl_sum(const char* host, int port, const char* run, int rank,
                                     int size);

}  // namespace semcodec
