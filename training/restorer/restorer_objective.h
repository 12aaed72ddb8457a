#pragma once
// What a restored frame is held to, apart from the discriminators. With d the detail asked for:
//   w_l1(d) L1 + w_restored L1(before the memory) + share(d) (w_lpips LPIPS + w_vgg VGG)
// w_l1 and share lead in a straight line from their values at d = 0 to those at d = 1
// (restorer_options.h), so that one network learns every way from the faithful picture to the vivid
// one. Even the most faithful one is a little held to what people see: share(0) is above 0.

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "models/generator/interpolator.h"
#include "models/lpips/lpips.h"
#include "models/vgg/feature_net.h"
#include "training/restorer/restorer_options.h"

namespace semcodec {

class RestorerObjective {
 public:
  /// Called with each loss by name, without its weight: "l1", "lpips", "vgg", "restored".
  using Note = std::function<void(const std::string&, const torch::Tensor&)>;

  /// Finds the perceptual networks' weights; a term without its weights is left out.
  RestorerObjective(const RestorerOptions& options, torch::Device device);

  /// Coded frame `index` of a step's samples; `source` N×3×C×C, `detail` N. The mean over the
  /// batch. The patches depend on seed, step and index.
  torch::Tensor operator()(const RestorerImpl::Output& output, const torch::Tensor& source,
                           const torch::Tensor& detail, std::int64_t step, int index,
                           const Note& note);

  /// Of interpolated frames: interpolator_l1 L1 + interpolator_lpips LPIPS + 0.3 · what their
  /// motion misses (the seed paper's eq. 5, second term), the mean over the samples where
  /// `wanted.there` is 1. Notes of the terms: "interpolator_l1", "interpolator_lpips",
  /// "interpolator_warp".
  torch::Tensor interpolated(const InterpolatorOutput& output, const InterpolatedFrame& wanted,
                             std::int64_t step, const Note& note);

  /// LPIPS of whole pictures, N values; undefined without its weights.
  torch::Tensor lpips(const torch::Tensor& a, const torch::Tensor& b);

  /// One sentence on which networks take part.
  std::string describe() const;

 private:
  RestorerOptions options_;
  torch::Device device_;
  std::optional<Lpips> lpips_;
  std::unique_ptr<FeatureNet> features_;
};

}  // namespace semcodec
