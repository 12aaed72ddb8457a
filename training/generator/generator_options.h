#pragma once
// Options of the generator stage, with their defaults ([generator] in the configuration).

#include <cstdint>
#include <string>

#include "models/baselines/baseline.h"
#include "models/generator/generator.h"
#include "training/adversary_options.h"
#include "training/config.h"
#include "training/data/sequence_sampler.h"
#include "training/trainer/trainer_options.h"

namespace semcodec {

/// `data`: folder of frame stores. `batch`: sequences of three frames.
struct GeneratorOptions : TrainerOptions, AdversaryOptions {
  GeneratorOptions() {
    stage = "generator";
    batch = 3;
    beta1 = 0.5;
  }

  /// "ours", "ours-without-colour", or one of baseline_kinds(), trained by BaselineTask.
  std::string kind = "ours";
  BaselineConfig baseline;           ///< its sizes; 0 in the configuration = as published
  std::string teacher;               ///< fast-vid2vid: weights of the vid2vid to follow
  double weight_distillation = 1.0;  ///< fast-vid2vid: of the teacher's frames
  std::int64_t image_steps = 2000;   ///< at first single pictures only: twice as fast
  double interpolator_share = 0.7;   ///< share of steps with an interpolated frame

  double weight_l1 = 1.0;
  double weight_raw = 0.3;            ///< L1 of the picture generated without references
  double weight_warp = 0.3;           ///< what the refined motion misses (eq. 5, second term)
  double weight_flow = 0.2;           ///< FlowNet2's motion of the output (eq. 5, first term)
  double weight_texture_rate = 0.01;  ///< cost of the texture plane
  double weight_lpips = 1.0;
  double weight_vgg = 0.1;       ///< seed paper, eq. (6)
  double weight_spectrum = 0.1;  ///< spectral_loss.h
  int vgg_patch = 128;           ///< side of the patch that eq. (6) looks at; 0 = all
  double weight_matching = 0.2;  ///< feature matching

  int unroll = 0;  ///< most coded frames that a scene stands still for at first (generation.h)
  bool checkpoint_activations = false;  ///< less memory, one more forward pass
  std::string initial;                  ///< folder of a package whose weights to start from
  std::string flow;  ///< FlowNet2 weights for eq. 5; empty = without its first term

  GeneratorConfig network;
  SamplerOptions sampler;

  bool ours() const { return kind.rfind("ours", 0) == 0; }
};

OptionTable table_of(GeneratorOptions& options);

/// Reads "generator.*" and what all stages share. Throws Error(usage) naming a bad or unknown key
/// of this section; training_options.h checks all of them.
GeneratorOptions read_generator_options(const Config& config);

}  // namespace semcodec
