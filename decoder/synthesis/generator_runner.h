#pragma once
// The receiver's networks, each as one call. On a GPU every call is one CUDA graph (graphed.h) for
// the frame size at hand, and frames leave by way of page-locked memory: while one travels, the
// next is generated, if two threads ask.

#include <mutex>
#include <tuple>
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

// What each call takes. Tensors may be undefined where that is said; members() is for GraphedCall.

/// A coded frame with nothing before it.
struct FirstFrameInputs {
  torch::Tensor condition, texture, planes;  ///< CodedFrameInput
  torch::Tensor key;                         ///< 1×3×H×W, its intra picture; may be undefined

  static constexpr auto members() {
    using I = FirstFrameInputs;
    return std::tuple(&I::condition, &I::texture, &I::planes, &I::key);
  }
};

/// An earlier output that a coded frame refers to. All undefined: there is none.
struct ReferenceFrame {
  torch::Tensor condition, picture;  ///< CodedFrameState
  torch::Tensor flow;                ///< 1×2×H/4×W/4, pixels, towards it: see ReferencedInputs
  torch::Tensor distance;            ///< 1, seconds from the coded frame

  static constexpr auto members() {
    using I = ReferenceFrame;
    return std::tuple(&I::condition, &I::picture, &I::flow, &I::distance);
  }
};

/// A coded frame that refers to A and, if it is there, to B before it.
struct ReferencedInputs {
  torch::Tensor condition, texture, planes;  ///< CodedFrameInput
  ReferenceFrame a;                          ///< its flow leads from the coded frame to A
  ReferenceFrame b;                          ///< its flow leads from A to B

  static constexpr auto members() {
    using I = ReferencedInputs;
    return std::tuple(&I::condition, &I::texture, &I::planes, &I::a, &I::b);
  }
};

/// The base picture of a coded frame before or after.
struct BaseNeighbour {
  torch::Tensor half;  ///< 1×3×H/2×W/2; undefined: there is none
  torch::Tensor flow;  ///< 1×2×H/4×W/4, from the frame to be generated towards the neighbour

  static constexpr auto members() { return std::tuple(&BaseNeighbour::half, &BaseNeighbour::flow); }
};

/// A frame that carries a base picture.
struct RestoredInputs {
  torch::Tensor raised;  ///< 1×3×H×W, the base picture at the coded size
  torch::Tensor memory;  ///< 1×3×H×W, the output of the coded frame before; may be undefined
  BaseNeighbour before, after;  ///< memory is warped along before.flow, if there is one
  torch::Tensor edges;          ///< 1×1×H/2×W/2; may be undefined
  torch::Tensor scalars;        ///< restorer_scalars()

  static constexpr auto members() {
    using I = RestoredInputs;
    return std::tuple(&I::raised, &I::memory, &I::before, &I::after, &I::edges, &I::scalars);
  }
};

/// Two pictures between which motion is wanted.
struct FlowInputs {
  torch::Tensor from, towards;  ///< 1×3×H×W or as FlowRefiner takes them
  torch::Tensor coarse;         ///< the sent motion; undefined between base pictures

  static constexpr auto members() {
    return std::tuple(&FlowInputs::from, &FlowInputs::towards, &FlowInputs::coarse);
  }
};

/// An interpolated frame: InterpolatorInput without pixels_a and pixels_b.
struct InterpolatedInputs {
  torch::Tensor picture_a, picture_b, small_a, small_b, flow_a, flow_b, tau, interval;

  static constexpr auto members() {
    using I = InterpolatedInputs;
    return std::tuple(&I::picture_a, &I::picture_b, &I::small_a, &I::small_b, &I::flow_a,
                      &I::flow_b, &I::tau, &I::interval);
  }
};

struct PictureInput {
  torch::Tensor picture;  ///< 1×3×H×W in 0..1

  static constexpr auto members() { return std::tuple(&PictureInput::picture); }
};

class GeneratorRunner {
 public:
  /// `restorer` may be null: then restore() must not be called.
  GeneratorRunner(Generator generator, Restorer restorer, FlowRefiner refiner,
                  torch::Device device);

  bool has_restorer() const { return !restorer_.is_empty(); }

  /// `tensor` on the generator runner's device; from page-locked memory where that is a GPU.
  torch::Tensor bring(const torch::Tensor& tensor) const;

  CodedFramePicture first(const FirstFrameInputs& inputs);
  CodedFramePicture referenced(const ReferencedInputs& inputs);
  CodedFramePicture restored(const RestoredInputs& inputs);

  /// FlowRefiner::flow().
  torch::Tensor base_flow(const torch::Tensor& from, const torch::Tensor& towards);

  /// FlowRefiner::refine().
  std::pair<torch::Tensor, torch::Tensor> flows(const torch::Tensor& earlier,
                                                const torch::Tensor& later,
                                                const torch::Tensor& coarse_10);

  /// An interpolated frame, H×W×3 bytes on the CPU. `x` as for the interpolator, but its
  /// flows are those between the two coded frames, of the later towards the earlier (flow_a) and
  /// back. May be called in several threads at a time. `restored`: between two frames of restore().
  torch::Tensor interpolator_bytes(const InterpolatorInput& x, bool restored);

  /// A picture that goes on by a share of the motion that led to it: `flow` leads from it to the
  /// one before, and may be undefined where `share` is 0. Else as bytes().
  torch::Tensor moved_bytes(const torch::Tensor& picture, const torch::Tensor& flow, double share);

  /// A picture as H×W×3 bytes on the CPU. May be called in several threads at a time.
  torch::Tensor bytes(const torch::Tensor& picture);

 private:
  CodedFramePicture kept(const Graphed::Tensors& generated) const;
  torch::Tensor fetched(const torch::Tensor& bytes, std::unique_lock<std::mutex>& lock) const;

  Generator generator_;
  Restorer restorer_;
  FlowRefiner refiner_;
  torch::Device device_;
  GraphedCall<FirstFrameInputs> first_;
  GraphedCall<ReferencedInputs> referenced_;
  GraphedCall<RestoredInputs> restored_;
  GraphedCall<FlowInputs> flows_, base_flow_;
  GraphedCall<InterpolatedInputs> interpolated_, interpolated_restored_;
  GraphedCall<PictureInput> bytes_;
  std::mutex mutex_;  ///< of the GPU's queue and of what graphs read and write
};

}  // namespace semcodec
