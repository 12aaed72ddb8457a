#pragma once
// Options of the generator stage, with their defaults ([generator] in the configuration).

#include <cstdint>
#include <string>

#include "models/discriminator/gan_loss.h"
#include "models/generator/generator.h"
#include "training/config.h"
#include "training/data/sequence_sampler.h"
#include "training/trainer/recovery.h"

namespace semcodec {

struct GeneratorOptions {
  std::string data;    ///< folder of frame stores
  std::string output;  ///< folder of checkpoints, log and samples
  std::int64_t steps = 20000;
  std::int64_t stop_after = 0;      ///< write a checkpoint and end after this step; 0 = at the end
  std::int64_t image_steps = 2000;  ///< at first single pictures only: twice as fast
  int batch = 3;                    ///< sequences a step, each of three frames
  double interpolator_share = 0.7;  ///< share of steps with an interpolated frame
  double learning_rate = 4e-4;
  double final_rate = 0.1;  ///< the rate falls along a cosine to this share of it
  double discriminator_learning_rate =
      1;  ///< the learning rate of the discriminators as a multiple of the generator's
  double beta1 = 0.5, beta2 = 0.99;
  double clip_gradient = 1.0;  ///< largest norm
  double average = 0.998;      ///< decay of the moving average of the weights

  double weight_l1 = 1.0;
  double weight_raw = 0.3;            ///< L1 of the picture generated without references
  double weight_warp = 0.3;           ///< what the mended motion misses (eq. 5, second term)
  double weight_flow = 0.2;           ///< FlowNet2's motion of the output (eq. 5, first term)
  double weight_texture_rate = 0.01;  ///< cost of the texture plane
  double weight_lpips = 1.0;
  double weight_vgg = 0.1;         ///< seed paper, eq. (6)
  double weight_spectrum = 0.1;    ///< spectral_loss.h
  int vgg_patch = 128;             ///< side of the patch that eq. (6) looks at; 0 = all
  double weight_gan_image = 0.02;  ///< eq. (4)
  double weight_gan_video = 0.02;  ///< eq. (3)
  double weight_matching = 0.2;    ///< feature matching
  std::int64_t gan_start = 2500;   ///< first step with discriminators
  int discriminator_channels = 32;
  int gan_patch = 128;  ///< side of the patch that φ resamples for D_I (eq. 4), and D_V
  GanMode gan = GanMode::hinge;

  int unroll = 0;      ///< most coded frames that a scene stands still for at first (generation.h)
  int accumulate = 1;  ///< parts that a rank's batch is worked off in
  bool checkpoint_activations = false;  ///< less memory, one more forward pass
  RetryOptions retry;                   ///< when it goes wrong
  std::int64_t fault_at = -1;           ///< for tests, no key: this step's loss is no number, once

  int workers = 1;  ///< threads that prepare samples
  int threads = 0;  ///< of the networks; 0 = one a core
  bool bf16 = true;
  std::string device = "auto";
  std::uint64_t seed = 1;
  double checkpoint_minutes = 3;
  std::int64_t log_every = 50;
  std::int64_t sample_every = 500;
  std::string initial;  ///< folder of a package whose weights to start from
  std::string flow;     ///< FlowNet2 weights for eq. 5; empty = without its first term

  GeneratorConfig network;
  SamplerOptions sampler;
};

/// Reads "generator.*" and what all stages share. Throws Error(usage) naming a bad or unknown key
/// of this section; training_options.h checks all of them.
GeneratorOptions read_generator_options(const Config& config);

}  // namespace semcodec
