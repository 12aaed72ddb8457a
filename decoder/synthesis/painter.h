#pragma once
// The receiver's networks, each as one call. On a GPU every call is one CUDA graph (graphed.h) for
// the frame size at hand, and frames leave by way of page-locked memory: while one travels, the
// next is painted, if two threads ask.

#include <mutex>
#include <utility>

#include "decoder/synthesis/flow_refiner.h"
#include "models/core/graphed.h"
#include "models/generator/conditions.h"

namespace semcodec {

struct AnchorPicture {
  torch::Tensor picture;  ///< 1×3×H×W in 0..1
  torch::Tensor small;    ///< small_picture() of it
};

class Painter {
 public:
  Painter(Generator generator, FlowRefiner refiner, torch::Device device);

  /// `tensor` on the painter's device; from page-locked memory where that is a GPU.
  torch::Tensor bring(const torch::Tensor& tensor) const;

  /// An anchor with nothing before it; `key` (1×3×H×W) may be undefined.
  AnchorPicture from_planes(const AnchorInput& input, const torch::Tensor& key);

  /// An anchor that refers to A and, unless null, to B before it. flow_a leads from this anchor to
  /// A, flow_ab from A to B (1/4 size, pixels); distances in seconds, from this anchor.
  AnchorPicture from_references(const AnchorInput& input, const AnchorState& a,
                                const torch::Tensor& flow_a, const torch::Tensor& distance_a,
                                const AnchorState* b, const torch::Tensor& flow_ab,
                                const torch::Tensor& distance_b);

  /// FlowRefiner::refine().
  std::pair<torch::Tensor, torch::Tensor> flows(const torch::Tensor& earlier,
                                                const torch::Tensor& later,
                                                const torch::Tensor& coarse_10);

  /// A frame between two anchors, H×W×3 bytes on the CPU. `x` as for the interpolator, but its
  /// flows are those between the two anchors, of the later towards the earlier (flow_a) and back.
  /// May be called in several threads at a time.
  torch::Tensor between_bytes(const BetweenContext& x);

  /// A picture as H×W×3 bytes on the CPU. May be called in several threads at a time.
  torch::Tensor bytes(const torch::Tensor& picture);

 private:
  AnchorPicture kept(const Graphed::Tensors& painted) const;
  torch::Tensor fetched(const torch::Tensor& bytes, std::unique_lock<std::mutex>& lock) const;

  Generator generator_;
  FlowRefiner refiner_;
  torch::Device device_;
  Graphed planes_, references_, flows_, between_, bytes_;
  std::mutex mutex_;  ///< of the GPU's queue and of what graphs read and write
};

}  // namespace semcodec
