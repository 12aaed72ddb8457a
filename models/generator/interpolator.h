#pragma once
// Frames between two coded frames: both are moved to the moment, and a small network refines the
// motion and mixes them.
//
// A video shows some ten times more interpolated frames than coded frames, and all that
// there is to see stands in the two generated pictures already, so these frames get a network of a
// fifth of the generator's cost. It works in two steps:
//   motion   at 1/4 size: looks at both pictures as moved by the coarse motion and says by how much
//            each flow is still off (the transmitted field has one vector for 16×16 pixels);
//   blend    at 1/2 size: y = w_raw · raw + w_A · warp(A) + w_B · warp(B), as in generator.h, where
//            raw is the average of the two by time plus what the network generates on it.

#include <torch/torch.h>

#include <memory>
#include <utility>

namespace semcodec {

class InterpolatorEngine;
class InterpolatorRunner;

struct InterpolatorConfig {
  int channels_motion = 48;  ///< at 1/4 of the coded size
  int channels_half = 24;
  int channels_quarter = 48;
};

/// Two coded frames' pictures and the motion of a moment between them. Flows at 1/4 size, in pixels
/// (flow_geometry.h), from this moment towards A and B.
struct InterpolatorInput {
  torch::Tensor picture_a, picture_b;  ///< N×3×H×W in 0..1, A earlier
  torch::Tensor small_a, small_b;      ///< small_picture() of the two
  torch::Tensor pixels_a, pixels_b;  ///< to_pixels() of the two; only generator_bytes() on the CPU
  torch::Tensor flow_a, flow_b;      ///< N×2×H/4×W/4
  torch::Tensor tau;                 ///< N, in (0, 1)
  torch::Tensor interval;            ///< N, seconds from A to B
};

struct InterpolatorOutput {
  torch::Tensor frame;           ///< N×3×H×W
  torch::Tensor flow_a, flow_b;  ///< refined
  torch::Tensor warped_a, warped_b;
};

/// 1×3×H×W in 0..1 → H×W×3 bytes on the same device.
torch::Tensor to_bytes(const torch::Tensor& picture);

/// A picture at half size, folded to N×12×H/4×W/4: what the motion step looks at. Made once for an
/// coded frame.
torch::Tensor small_picture(const torch::Tensor& picture);

class InterpolatorImpl : public torch::nn::Module {
 public:
  explicit InterpolatorImpl(const InterpolatorConfig& config);

  InterpolatorOutput forward(const InterpolatorInput& context);

  /// The frame as H×W×3 bytes on the CPU, for one picture (N = 1) and without gradients. On the CPU
  /// the full-size work is done by the kernels of generate_frame.h, from the pixels_ members.
  torch::Tensor generator_bytes(const InterpolatorInput& context);

  /// Lets generator_bytes() run by interpolator_engine.h where the CPU has kernels for it and the
  /// sizes fit. The weights are copied: call it when they are final.
  void use_engine();
  /// Lets generator_bytes() run by interpolator_runner.h, on the CPU. The weights are copied.
  void use_runner();

 private:
  torch::Tensor seen(const InterpolatorInput& context, const torch::Tensor& flows) const;
  torch::Tensor generate_by_engine(const InterpolatorInput& context);

  /// The motion step: refined flows (N×4×H/4×W/4, A then B) and features that hint at how sure it
  /// is.
  std::pair<torch::Tensor, torch::Tensor> refine(const InterpolatorInput& context);
  /// The blend step, from both warped pictures and the hint, folded by two; to 24 channels.
  torch::Tensor heads(const torch::Tensor& folded);

  torch::nn::Conv2d motion_in_{nullptr}, motion_down_{nullptr}, motion_up_{nullptr},
      motion_out_{nullptr}, hint_{nullptr};
  torch::nn::Sequential motion_eighth_{nullptr};
  torch::nn::Conv2d blend_in_{nullptr}, blend_down_{nullptr}, blend_up_{nullptr}, head_{nullptr};
  torch::nn::Sequential blend_quarter_{nullptr};
  torch::nn::Conv2d blend_half_{nullptr};
  InterpolatorConfig config_;
  std::shared_ptr<const InterpolatorEngine> engine_;  // null: torch generates
  std::shared_ptr<const InterpolatorRunner> runner_;  // goes before the engine
};
TORCH_MODULE(Interpolator);

}  // namespace semcodec
