#pragma once
// One training sample generated as the receiver would, with the sender's texture in the loop.

#include <torch/torch.h>

#include "models/generator/generator.h"
#include "training/data/sequence_sampler.h"

namespace semcodec {

/// What one step produced, batched over frames: first y0, then y1, then y2.
struct Generated {
  torch::Tensor frame, source;  ///< 3N×3×C×C (N in the image phase)
  torch::Tensor condition;      ///< of the same frames
  torch::Tensor raw,
      raw_source;         ///< what was generated without references' pixels (coded frames only)
  torch::Tensor texture;  ///< of all coded frames, rounded, before channels are left out
  torch::Tensor warped_a, warped_b, warped_source;  ///< between steps only, else undefined
  torch::Tensor video_real, video_fake;             ///< inputs of D_V; undefined in the image phase
};

/// What D_V sees: three frames N×3×H×W in the order of time and two flows N×2×H/4×W/4 in pixels,
/// which enter as twentieths.
torch::Tensor video_input(const torch::Tensor& first, const torch::Tensor& second,
                          const torch::Tensor& third, const torch::Tensor& flow_a,
                          const torch::Tensor& flow_b);

/// See generator_task.h for the sequences. References carry no gradient. `image_only`: y0 alone.
/// `recompute`: the generator's inner activations are computed again in the backward pass instead
/// of being kept (recompute.h), so that memory holds those of one frame instead of three.
/// `noise_seed`: FrameContext::noise_seed. `unroll`: so many times the first frame is generated
/// again from itself, without gradients, before the second one refers to it: what a receiver's
/// memory has become when a scene stood still for long.
Generated generate_sample(Generator& generator, TextureEncoder& texture,
                          const SequenceSample& sample, bool image_only, bool bf16,
                          bool recompute = false, std::int64_t noise_seed = 0, int unroll = 0);

}  // namespace semcodec
