#include "training/adversary_options.h"

#include <string>

namespace semcodec {

DiscriminatorConfig AdversaryOptions::discriminator(int in_channels) const {
  constexpr int kLayers = 3;
  return {in_channels, discriminator_channels, kLayers, discriminator_scales, discriminator_norm};
}

void add_adversary_options(OptionTable& table, AdversaryOptions& o) {
  table.add("gan_start", o.gan_start, at_least(0), "first step with discriminators");
  table.add("discriminator_channels", o.discriminator_channels, at_least(1),
            "of their first layer");
  table.add("discriminator_scales", o.discriminator_scales, in_range(1, 4),
            "sizes at which they look; pix2pixHD has 3");
  table.add("discriminator_norm", o.discriminator_norm, any_value(),
            "normalises their inner layers by instance, as pix2pixHD and vid2vid do");
  table.add("gan_patch", o.gan_patch, zero_or_at_least(16), "side of the patch that they look at");
  table.add_text(
      "gan", "hinge", [&o](const std::string& text) { o.gan = parse_gan_mode(text); },
      one_of({"hinge", "lsgan", "log"}), "adversarial loss; `log` is the paper's");
}

}  // namespace semcodec
