#pragma once
// Options of the restorer stage, with their defaults ([restorer] in the configuration).

#include <cstdint>
#include <string>
#include <vector>

#include "models/discriminator/gan_loss.h"
#include "models/generator/restorer.h"
#include "training/base/base_sampler.h"
#include "training/config.h"
#include "training/trainer/recovery.h"

namespace semcodec {

struct RestorerOptions {
  std::string data;    ///< folder of frame stores with base layers and their pictures
  std::string output;  ///< folder of checkpoints, log and samples, and of the package
  std::int64_t steps = 20000;
  std::int64_t stop_after = 0;  ///< write a checkpoint and end after this step; 0 = at the end
  int batch = 4;                ///< sequences a step
  double learning_rate = 4e-4;
  double final_rate = 0.05;    ///< the rate falls along a cosine to this share of it
  std::int64_t warm_up = 200;  ///< steps over which it rises at the beginning
  double beta1 = 0.9, beta2 = 0.99;
  double clip_gradient = 1.0;  ///< largest norm
  double average = 0.999;      ///< decay of the moving average of the weights

  double weight_l1 = 10;         ///< at detail 0
  double weight_l1_vivid = 4;    ///< at detail 1; in proportion in between
  double weight_restored = 0.3;  ///< L1 of what is restored before the memory's pixels
  double weight_lpips = 1;       ///< this term and the next are multiplied by the perceptual share
  double weight_vgg = 0.05;
  double perceptual_share = 0.02;        ///< at detail 0
  double perceptual_share_vivid = 0.42;  ///< at detail 1; in proportion in between
  int lpips_patch = 144;  ///< side of the patch that LPIPS looks at; 0 = the whole crop
  int vgg_patch = 96;     ///< and, inside of it, VGG

  double weight_interpolator =
      1;  ///< of the interpolator's loss; 0 leaves the interpolator as it is
  double interpolator_l1 = 4, interpolator_lpips = 0.15;  ///< the weights of that loss's terms

  std::int64_t gan_start = 12000;  ///< first step with discriminators
  double weight_gan_image = 0.02;  ///< multiplied by 2 · detail, as the next
  double weight_gan_video = 0.02;  ///< needs an unroll of 3
  double discriminator_rate = 2e-4;
  int discriminator_channels = 32;
  int gan_patch = 128;
  GanMode gan = GanMode::hinge;

  double detail = 0.5;         ///< ModelPackage::detail of the package
  RetryOptions retry;          ///< when it goes wrong
  std::int64_t fault_at = -1;  ///< for tests, no key: this step's loss is no number, once

  int workers = 1;  ///< threads that prepare samples
  int threads = 0;  ///< of the networks; 0 = one a core
  bool bf16 = true;
  std::string device = "auto";
  std::uint64_t seed = 1;
  double checkpoint_minutes = 3;
  std::int64_t log_every = 50;
  std::int64_t sample_every = 500;
  std::string package = "default";  ///< whose other networks the exported package takes over
  std::string base_flow = "dis";    ///< ModelPackage::base_flow of the exported package
  std::string initial;              ///< weights to start from: a package, or a file of a restorer
  std::vector<std::string> validation;  ///< beginnings of the names of clips that are held out

  RestorerConfig network;
  BaseSamplerOptions sampler;
};

/// Reads "restorer.*" and what all stages share. Throws Error(usage) naming a bad or unknown key of
/// this section; training_options.h checks all of them. Sizes of the network that are not given are
/// those of `initial`, where that is a package.
RestorerOptions read_restorer_options(const Config& config);

/// The same with what depends on the package: its flow network where base_flow is "flownet2" and no
/// other is named, and the sizes of its interpolator where `initial` is no package. Throws as
/// open_package().
RestorerOptions resolved(RestorerOptions options);

}  // namespace semcodec
