#pragma once
// Adversarial losses over multi-scale patch scores, and the feature matching loss.

#include <torch/torch.h>

#include <string>
#include <vector>

namespace semcodec {

enum class GanMode {
  hinge,  ///< max(0, 1 ∓ D)
  lsgan,  ///< (D − target)², vid2vid's choice
  log     ///< the seed paper's eq. (1) and (4): binary cross-entropy
};

/// "hinge", "lsgan", "log"; throws Error(usage) otherwise.
GanMode parse_gan_mode(const std::string& text);

using DiscriminatorMaps = std::vector<std::vector<torch::Tensor>>;

/// Loss of the discriminator, averaged over scales; the usual factor 0.5 is included.
torch::Tensor discriminator_loss(GanMode mode, const DiscriminatorMaps& real,
                                 const DiscriminatorMaps& fake);
/// Loss of the generator: its pictures should score as real ones.
torch::Tensor generator_loss(GanMode mode, const DiscriminatorMaps& fake);
/// The same for each picture of a batch: N values.
torch::Tensor generator_loss_each(GanMode mode, const DiscriminatorMaps& fake);
/// Mean absolute difference of all inner activations (pix2pixHD), averaged over layers and scales.
torch::Tensor feature_matching_loss(const DiscriminatorMaps& real, const DiscriminatorMaps& fake);

}  // namespace semcodec
