#pragma once
// The discriminators of a generator, and the two sides of their game: D_I on frames with their
// condition, cut by φ of eq. (4), and D_V on three frames with the flow between them (eq. 3).
// Shared by our generator and by the baselines.
//
// Checkpoint: networks "image_discriminator", "video_discriminator"; optimiser "discriminator".

#include <torch/torch.h>

#include <vector>

#include "models/discriminator/discriminator.h"
#include "training/generator/generation.h"
#include "training/generator/generator_options.h"
#include "training/trainer/task.h"

namespace semcodec {

class Adversaries {
 public:
  /// `condition_channels`: of Generated::condition.
  Adversaries(const GeneratorOptions& options, int condition_channels);

  std::vector<TrainedNetwork> networks();
  /// Adam over both, which learns from frames without a gradient.
  OptimiserSettings optimiser() const;

  /// What the discriminators learn from. The same patch of the step as generator_loss().
  torch::Tensor discriminators_loss(const Generated& generated, StepContext& context);
  /// What the generator learns from them: both scores and the matching of D_I's features.
  torch::Tensor generator_loss(const Generated& generated, StepContext& context);

 private:
  GeneratorOptions options_;
  Discriminator image_, video_;
};

}  // namespace semcodec
