#pragma once
// What graphed.cpp finds in libsemcodec_cuda.so: recording of CUDA graphs needs libtorch_cuda,
// which programs do not link. The library is found by its one exported function
//   extern "C" const semcodec::GraphCapture* semcodec_cuda_graph_capture();

#include <functional>

namespace semcodec {

struct GraphCapture {
  /// Runs `work` a few times on a stream of its own, then records it. Memory that `work` allocates
  /// belongs to the recording. Throws what torch or `work` throws; nothing stays behind then.
  void* (*record)(const std::function<void()>& work, int device) = nullptr;
  /// Queues the recorded work on the current stream.
  void (*replay)(void* recording) = nullptr;
  void (*destroy)(void* recording) = nullptr;
};

}  // namespace semcodec
