#pragma once
// Options of the restorer stage, with their defaults ([restorer] in the configuration).

#include <cstdint>
#include <string>
#include <vector>

#include "models/generator/restorer.h"
#include "training/adversary_options.h"
#include "training/base/base_sampler.h"
#include "training/config.h"
#include "training/trainer/trainer_options.h"

namespace semcodec {

/// `data`: folder of frame stores with base layers and their pictures. `output` becomes a package.
/// The weights of discriminators are multiplied by 2 · detail; D_V needs an unroll of 3.
struct RestorerOptions : TrainerOptions, AdversaryOptions {
  RestorerOptions() {
    stage = "restorer";
    final_rate = 0.05;
    warm_up = 200;
    ema = 0.999;
    gan_start = 12000;
    discriminator_learning_rate = 2e-4;
  }

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

  double detail = 0.5;              ///< ModelPackage::detail of the package
  std::string package = "default";  ///< whose other networks the exported package takes over
  std::string base_flow = "dis";    ///< ModelPackage::base_flow of the exported package
  std::string initial;              ///< weights to start from: a package, or a file of a restorer
  std::vector<std::string> validation;  ///< beginnings of the names of clips that are held out

  RestorerConfig network;
  BaseSamplerOptions sampler;
};

OptionTable table_of(RestorerOptions& options);

/// Reads "restorer.*" and what all stages share. Throws Error(usage) naming a bad or unknown key of
/// this section; training_options.h checks all of them. Sizes of the network that are not given are
/// those of `initial`, where that is a package.
RestorerOptions read_restorer_options(const Config& config);

/// The same with what depends on the package: its flow network where base_flow is "flownet2" and no
/// other is named, and the sizes of its interpolator where `initial` is no package. Throws as
/// open_package().
RestorerOptions resolved(RestorerOptions options);

}  // namespace semcodec
