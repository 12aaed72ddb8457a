#pragma once
// What the restorer learns from in a step: coded frames in a row, and a frame between the last two.

#include <torch/torch.h>

#include <vector>

namespace semcodec {

/// One coded frame, batched.
struct BaseFrame {
  torch::Tensor base;            ///< N×3×C×C in 0..1, raised
  torch::Tensor near_a, near_b;  ///< N×3×C/2×C/2, halved and warped; zeros where there is none
  torch::Tensor edges;           ///< N×1×C/2×C/2; zeros where there is none
  torch::Tensor source;          ///< N×3×C×C in 0..1
  torch::Tensor flow;            ///< N×2×C×C of this coded frame towards the one before, pixels
  torch::Tensor scalars;  ///< N×9, restorer_scalars(); has_memory says whether it may be used
};

/// A source frame between the last two coded frames of a sample, batched.
struct InterpolatedFrame {
  torch::Tensor source;     ///< N×3×C×C in 0..1
  torch::Tensor flow_back;  ///< N×2×C×C of the last coded frame but one towards the last, pixels
  torch::Tensor tau;        ///< N, in (0, 1): its place between the two
  torch::Tensor interval;   ///< N, seconds between the two
  torch::Tensor there;      ///< N, 1 or 0: the layer codes every frame, and the rest means nothing
};

struct BaseSample {
  std::vector<BaseFrame> frames;   ///< `unroll` of them
  InterpolatedFrame interpolated;  ///< of undefined tensors when `unroll` is 1
  torch::Tensor detail;            ///< N, in 0..1; also in the scalars of all frames
};

/// For training/trainer/batch.h.
std::vector<torch::Tensor*> tensors_of(BaseSample& sample);

}  // namespace semcodec
