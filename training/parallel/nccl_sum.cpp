// libsemcodec_nccl.so: see gpu_sum.h. A library of its own, since it needs torch's CUDA part, which
// the programs load only where there is a GPU.

#define USE_C10D_NCCL
#include <c10/cuda/CUDAGuard.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <string>

#include "training/parallel/gpu_sum.h"

namespace semcodec {

namespace {

class NcclSum : public GpuSum {
 public:
  NcclSum(const std::string& host, int port, const std::string& run, int rank, int size) {
    // The meeting point is the one of the host's ranks, which are there by now.
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(port);
    options.isServer = false;
    options.waitWorkers = false;
    auto store = c10::make_intrusive<c10d::PrefixStore>(
        "semcodec-nccl/" + run, c10::make_intrusive<c10d::TCPStore>(host, options));
    group_ = c10::make_intrusive<c10d::ProcessGroupNCCL>(std::move(store), rank, size);
  }

  void sum(torch::Tensor& values) override {
    const c10::cuda::CUDAGuard device(values.device());
    std::vector<at::Tensor> one = {values};
    group_->allreduce(one)->wait();  // the stream waits; whoever reads the values waits for it
  }

 private:
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> group_;
};

}  // namespace

extern "C" GpuSum* semcodec_nccl_sum(const char* host, int port, const char* run, int rank,
                                     int size) {
  return new NcclSum(host, port, run, rank, size);
}

}  // namespace semcodec
