#pragma once
// Options of discriminators, the same in each stage that has them.

#include <cstdint>

#include "models/discriminator/discriminator.h"
#include "models/discriminator/gan_loss.h"
#include "training/trainer/option_table.h"

namespace semcodec {

struct AdversaryOptions {
  std::int64_t gan_start = 2500;           ///< first step with discriminators
  double weight_gan_image = 0.02;          ///< eq. (4)
  double weight_gan_video = 0.02;          ///< eq. (3)
  double discriminator_learning_rate = 0;  ///< 0 = that of the generator
  int discriminator_channels = 32;
  int discriminator_scales = 2;     ///< pix2pixHD: 3
  bool discriminator_norm = false;  ///< by instance, as in pix2pixHD and vid2vid
  int gan_patch = 128;  ///< side of the patch that φ resamples for D_I (eq. 4), and D_V
  GanMode gan = GanMode::hinge;

  /// Of D_I or D_V.
  DiscriminatorConfig discriminator(int in_channels) const;
};

/// The rows whose meaning no stage changes: all but the weights and the learning rate.
void add_adversary_options(OptionTable& table, AdversaryOptions& options);

}  // namespace semcodec
