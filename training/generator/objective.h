#pragma once
// What a generated sample is held to, apart from the discriminators:
//   w_l1 L1 + w_raw L1(raw) + w_lpips LPIPS + w_vgg eq. (6) + w_flow eq. (5) first term
//   + w_warp eq. (5) second term + w_texture_rate · (estimate of the texture's bits).

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "models/flownet2/flow_estimator.h"
#include "models/lpips/lpips.h"
#include "models/vgg/feature_net.h"
#include "training/generator/generation.h"
#include "training/generator/generator_options.h"
#include "training/patch.h"

namespace semcodec {

/// Told each loss by name, without its weight.
using LossNote = std::function<void(const std::string&, const torch::Tensor&)>;

class Objective {
 public:
  /// Finds the perceptual networks' weights; a term without its weights is left out. Throws
  /// Error as FlowEstimator when the flow network that the options name cannot be opened.
  Objective(const GeneratorOptions& options, torch::Device device);

  /// The weighted sum; differentiable in the generated frames.
  torch::Tensor operator()(const Generated& generated, std::int64_t step, const LossNote& note);

  /// One sentence on which networks take part.
  std::string describe() const;

 private:
  torch::Tensor warp_loss(const Generated& generated, const LossNote& note) const;
  torch::Tensor flow_loss(const Generated& generated, const LossNote& note);
  torch::Tensor texture_rate(const Generated& generated, std::int64_t step,
                             const LossNote& note) const;

  GeneratorOptions options_;
  torch::Device device_;
  std::optional<Lpips> lpips_;
  std::unique_ptr<FeatureNet> features_;
  std::unique_ptr<FlowEstimator> flow_;
};

}  // namespace semcodec
