#pragma once
// The restorer stage: the restorer (models/generator/restorer.h) learns from base layers, in
// sequences of coded frames, each restored with the output before it as memory, as at the receiver.
//
// Checkpoint: networks "restorer" (averaged), "image_discriminator", "video_discriminator";
// optimisers "discriminator", "restorer". Columns of losses.csv are in the units of the objective
// but without its weights: means over the frames of a sequence, and of its last frame alone.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/discriminator/discriminator.h"
#include "training/base/base_sampler.h"
#include "training/restorer/restorer_objective.h"
#include "training/restorer/restorer_options.h"
#include "training/trainer/task.h"

namespace semcodec {

class RestorerTask : public TaskOn<BaseSample> {
 public:
  /// Throws as BaseSampler and open_package().
  RestorerTask(const RestorerOptions& options, const Ranks& ranks);

  std::vector<TrainedNetwork> networks() override;
  std::vector<OptimiserSettings> optimisers() override;
  std::vector<std::string> columns() const override;
  std::string describe() const override;
  bool learns(std::size_t optimiser, std::int64_t step) const override {
    return optimiser == kRestorer || step >= options_.gan_start;
  }
  bool pretrained() const override { return !options_.initial.empty(); }

  BaseSample draw(std::int64_t step, Random& random) const override;
  void forward(const BaseSample& batch, const StepContext& context) override;
  torch::Tensor loss(std::size_t optimiser, const BaseSample& batch, StepContext& context) override;

  /// Raised base, restored, source: of the last frame of each sequence.
  std::vector<torch::Tensor> samples(const BaseSample& batch, std::int64_t step) override;
  std::vector<std::pair<std::string, double>> validate() override;
  /// Makes the output folder a model package: restorer.safetensors (averaged weights, fp16) and the
  /// other networks of options.package, with a model.json for both.
  void export_result(std::int64_t step) override;

 private:
  static constexpr std::size_t kRestorer = 1;  ///< index of its optimiser
  using Outputs = std::vector<RestorerImpl::Output>;

  bool interpolates() const {
    return options_.sampler.unroll >= 2 && options_.weight_interpolator > 0;
  }
  bool with_video() const { return options_.sampler.unroll >= 3 && options_.weight_gan_video > 0; }

  // restorer_losses.cpp
  /// All frames of a batch, each with the one before as memory. `detached`: no gradient goes
  /// through the memory.
  Outputs restore(Restorer& network, const BaseSample& batch, bool detached) const;
  /// The interpolator's loss between the last two frames, which learn nothing from it.
  torch::Tensor interpolator_loss(const BaseSample& batch, StepContext& context);
  torch::Tensor discriminators_loss(const BaseSample& batch, StepContext& context);
  torch::Tensor adversarial_loss(const BaseSample& batch, StepContext& context);
  /// The coded frame that D_I looks at in this step.
  std::size_t compared_frame(std::int64_t step) const;

  RestorerOptions options_;
  Restorer restorer_, ema_;
  Discriminator image_discriminator_, video_discriminator_;
  BaseSampler sampler_;
  std::optional<BaseSample> held_out_;  ///< a batch of the validation clips, on the device
  RestorerObjective objective_;
  Outputs outputs_;  ///< of this step
};

}  // namespace semcodec
