#pragma once
// A baseline (models/baselines/) as a stage of the one trainer: `generator.kind` names it, all
// other keys of [generator] hold for it as for our generator, so that both learn from the same
// samples, steps, losses and discriminators.
//
// A step generates three coded frames in a row, the last two with the outputs before them, and adds
//   pix2pixHD     L1 + LPIPS + VGG + spectrum + D_I with feature matching
//   vid2vid       the same + D_V, flow and warp (baseline_motion.h)
//   fast-vid2vid  the same + weight_distillation (L1 + weight_vgg VGG of frames against the
//                 teacher's + L1 of their changes from frame to frame, where the authors compare
//                 features of I3D)
// image_steps, interpolator_share, unroll, texture and intra pictures are our generator's alone.
//
// Checkpoint: network "generator" (averaged), discriminators (adversaries.h).

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/vgg/feature_net.h"
#include "training/baselines/baseline_generation.h"
#include "training/baselines/baseline_motion.h"
#include "training/generator/adversaries.h"
#include "training/generator/generator_options.h"
#include "training/generator/objective.h"
#include "training/trainer/task.h"

namespace semcodec {

class BaselineTask : public TaskOn<SequenceSample> {
 public:
  /// Throws as SequenceSampler, Objective, load_baseline() and make_baseline(), and Error(usage)
  /// when the crop is no multiple of the network's stride or the teacher is no vid2vid.
  BaselineTask(const GeneratorOptions& options, const Ranks& ranks);

  std::vector<TrainedNetwork> networks() override;
  std::vector<OptimiserSettings> optimisers() override;
  std::vector<std::string> columns() const override;
  std::string describe() const override;
  bool learns(std::size_t optimiser, std::int64_t step) const override {
    return optimiser == kGenerator || step >= options_.gan_start;
  }

  SequenceSample draw(std::int64_t step, Random& random) const override;
  void forward(const SequenceSample& batch, const StepContext& context) override;
  torch::Tensor loss(std::size_t optimiser, const SequenceSample& batch,
                     StepContext& context) override;

  /// Edges or colours, the last of the three frames, its source.
  std::vector<torch::Tensor> samples(const SequenceSample& batch, std::int64_t step) override;
  /// Writes baseline.safetensors: averaged weights, fp16.
  void export_result(std::int64_t step) override;

  Baseline& averaged() { return *ema_; }

 private:
  static constexpr std::size_t kGenerator = 1;  ///< index of its optimiser

  torch::Tensor distillation_loss(StepContext& context);

  GeneratorOptions options_;
  std::shared_ptr<Baseline> net_, ema_, teacher_;
  Adversaries adversaries_;
  SequenceSampler sampler_;
  Objective objective_;
  std::optional<BaselineMotion> motion_;
  std::unique_ptr<FeatureNet> features_;  ///< for the distillation
  std::vector<BaselineOutput> outputs_, taught_;
  Generated generated_;  ///< of this step
};

}  // namespace semcodec
