// Records CUDA graphs, for models/core/graphed.cpp; part of libsemcodec_cuda.so.

#include "models/core/graph_capture.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>

namespace {

// The first runs choose algorithms and fill caches, which cannot be recorded.
constexpr int kWarmUps = 3;

void* record(const std::function<void()>& work, int device) {
  const c10::cuda::CUDAGuard on_device(static_cast<c10::DeviceIndex>(device));
  // A capture cannot begin on the default stream. What the work reads must be there first.
  const auto before = c10::cuda::getCurrentCUDAStream();
  before.synchronize();
  const auto side = c10::cuda::getStreamFromPool(false, static_cast<c10::DeviceIndex>(device));
  const c10::cuda::CUDAStreamGuard on_side(side);
  for (int i = 0; i < kWarmUps; ++i) work();
  side.synchronize();
  auto graph = std::make_unique<at::cuda::CUDAGraph>();
  // Thread-local: other threads may allocate or wait for their own work meanwhile.
  graph->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  try {
    work();
  } catch (...) {
    try {
      graph->capture_end();  // gives the stream and the allocator back
    } catch (const std::exception&) {
      // The capture was invalidated by what failed, which is what is worth telling.
    }
    throw;
  }
  graph->capture_end();
  return graph.release();
}

void replay(void* recording) { static_cast<at::cuda::CUDAGraph*>(recording)->replay(); }

void destroy(void* recording) { delete static_cast<at::cuda::CUDAGraph*>(recording); }

}  // namespace

extern "C" const semcodec::GraphCapture* semcodec_cuda_graph_capture() {
  static const semcodec::GraphCapture table{record, replay, destroy};
  return &table;
}
