#pragma once
// The generator stage: image path, coded frames and frames between them, trained together.
//
// Each step takes one batch of sequences of three frames (sequence_sampler.h):
//   y0 = G(condition 0), or G(condition 0, intra picture)     the image path
//   y1 = G(condition 1, warp(y0))                           a coded frame with one reference
//   y2 = I(y0, y1)                                          a frame between (interpolator), or
//        G(condition 2, warp(y1), warp(y0))                 a coded frame with two references
// References carry no gradient. The objective is the seed paper's eq. (3):
//   L1 + LPIPS + VGG (eq. 6) + λ_I L_I (eq. 4, patches resampled by φ) + λ_V L_V + feature
//   matching.
//
// Checkpoint: networks "generator" and "texture" (averaged), "image_discriminator",
// "video_discriminator"; optimisers "discriminator", "generator".

#include <string>
#include <vector>

#include "training/data/sequence_sampler.h"
#include "training/generator/adversaries.h"
#include "training/generator/generation.h"
#include "training/generator/generator_options.h"
#include "training/generator/objective.h"
#include "training/trainer/task.h"

namespace semcodec {

class GeneratorTask : public TaskOn<SequenceSample> {
 public:
  /// Throws as SequenceSampler, Objective and start_from().
  GeneratorTask(const GeneratorOptions& options, const Ranks& ranks);

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

  /// Colour, edges, output, source.
  std::vector<torch::Tensor> samples(const SequenceSample& batch, std::int64_t step) override;
  /// Writes generator.safetensors, texture.safetensors (averaged weights, fp16) and model.json.
  void export_result(std::int64_t step) override;

 private:
  static constexpr std::size_t kGenerator = 1;  ///< index of its optimiser

  bool image_phase(std::int64_t step) const { return step < options_.image_steps; }

  GeneratorOptions options_;
  Generator generator_, generator_ema_;
  TextureEncoder texture_, texture_ema_;
  Adversaries adversaries_;
  SequenceSampler sampler_;
  Objective objective_;
  Generated generated_;  ///< of this step
};

}  // namespace semcodec
