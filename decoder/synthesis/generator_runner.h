#pragma once
// The receiver's networks, each as one call. On a GPU every call is one CUDA graph (graphed.h) for
// the frame size at hand, and frames leave by way of page-locked memory: while one travels, the
// next is generated, if two threads ask.

#include <mutex>
#include <utility>

#include "decoder/synthesis/flow_refiner.h"
#include "models/core/graphed.h"
#include "models/generator/conditions.h"
#include "models/generator/restorer.h"

namespace semcodec {

struct CodedFramePicture {
  torch::Tensor picture;  ///< 1×3×H×W in 0..1
  torch::Tensor small;    ///< small_picture() of it
};

/// The base picture of a coded frame before or after, as restore() takes it.
struct BaseNeighbour {
  torch::Tensor half;  ///< 1×3×H/2×W/2; undefined: there is none
  torch::Tensor flow;  ///< 1×2×H/4×W/4, from the frame to be generated towards the neighbour
};

class GeneratorRunner {
 public:
  /// `restorer` may be null: then restore() must not be called.
  GeneratorRunner(Generator generator, Restorer restorer, FlowRefiner refiner,
                  torch::Device device);

  bool has_restorer() const { return !restorer_.is_empty(); }

  /// `tensor` on the generator runner's device; from page-locked memory where that is a GPU.
  torch::Tensor bring(const torch::Tensor& tensor) const;

  /// A coded frame with nothing before it; `key` (1×3×H×W) may be undefined.
  CodedFramePicture from_planes(const CodedFrameInput& input, const torch::Tensor& key);

  /// A coded frame that refers to A and, unless null, to B before it. flow_a leads from this coded
  /// frame to A, flow_ab from A to B (1/4 size, pixels); distances in seconds, from this coded
  /// frame.
  CodedFramePicture from_references(const CodedFrameInput& input, const CodedFrameState& a,
                                    const torch::Tensor& flow_a, const torch::Tensor& distance_a,
                                    const CodedFrameState* b, const torch::Tensor& flow_ab,
                                    const torch::Tensor& distance_b);

  /// A frame that carries a base picture. raised: 1×3×H×W; memory: 1×3×H×W, the output of the coded
  /// frame before, warped along before.flow here (with no flow: as it is), or undefined; edges:
  /// 1×1×H/2×W/2 or undefined; scalars: restorer_scalars().
  CodedFramePicture restore(const torch::Tensor& raised, const torch::Tensor& memory,
                            const BaseNeighbour& before, const BaseNeighbour& after,
                            const torch::Tensor& edges, const torch::Tensor& scalars);

  /// FlowRefiner::flow().
  torch::Tensor base_flow(const torch::Tensor& from, const torch::Tensor& towards);

  /// FlowRefiner::refine().
  std::pair<torch::Tensor, torch::Tensor> flows(const torch::Tensor& earlier,
                                                const torch::Tensor& later,
                                                const torch::Tensor& coarse_10);

  /// A interpolated frame, H×W×3 bytes on the CPU. `x` as for the interpolator, but its
  /// flows are those between the two coded frames, of the later towards the earlier (flow_a) and
  /// back. May be called in several threads at a time. `restored`: between two frames of restore().
  torch::Tensor interpolator_bytes(const InterpolatorInput& x, bool restored);

  /// A picture as H×W×3 bytes on the CPU. May be called in several threads at a time.
  torch::Tensor bytes(const torch::Tensor& picture);

 private:
  CodedFramePicture kept(const Graphed::Tensors& generated) const;
  torch::Tensor fetched(const torch::Tensor& bytes, std::unique_lock<std::mutex>& lock) const;

  Generator generator_;
  Restorer restorer_;
  FlowRefiner refiner_;
  torch::Device device_;
  Graphed planes_, references_, restored_, flows_, base_flow_, between_, interpolator_restored_,
      bytes_;
  std::mutex mutex_;  ///< of the GPU's queue and of what graphs read and write
};

}  // namespace semcodec
