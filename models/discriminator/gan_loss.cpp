#include "models/discriminator/gan_loss.h"

#include "common/core/error.h"

namespace semcodec {

GanMode parse_gan_mode(const std::string& text) {
  if (text == "hinge") return GanMode::hinge;
  if (text == "lsgan") return GanMode::lsgan;
  if (text == "log") return GanMode::log;
  throw Error(ErrorKind::usage, "'" + text + "' is no GAN loss; use hinge, lsgan or log.");
}

namespace {

/// `sign` +1 for real, -1 for fake patches.
torch::Tensor discriminator_term(GanMode mode, const torch::Tensor& score, int sign) {
  switch (mode) {
    case GanMode::hinge:
      return torch::relu(1.0 - sign * score).mean();
    case GanMode::lsgan:
      return (score - (sign > 0 ? 1.0 : 0.0)).square().mean();
    case GanMode::log:
      break;
  }
  return torch::softplus(-sign * score).mean();
}

/// Of every patch.
torch::Tensor generator_term(GanMode mode, const torch::Tensor& score) {
  switch (mode) {
    case GanMode::hinge:
      return -score;
    case GanMode::lsgan:
      return (score - 1.0).square();
    case GanMode::log:
      break;
  }
  return torch::softplus(-score);
}

}  // namespace

torch::Tensor discriminator_loss(GanMode mode, const DiscriminatorMaps& real,
                                 const DiscriminatorMaps& fake) {
  torch::Tensor total;
  for (std::size_t i = 0; i < real.size(); ++i) {
    const auto term = discriminator_term(mode, real[i].back().to(torch::kFloat32), 1) +
                      discriminator_term(mode, fake[i].back().to(torch::kFloat32), -1);
    total = total.defined() ? total + term : term;
  }
  return total * (0.5 / static_cast<double>(real.size()));
}

torch::Tensor generator_loss_each(GanMode mode, const DiscriminatorMaps& fake) {
  torch::Tensor total;
  for (const auto& scale : fake) {
    const auto term = generator_term(mode, scale.back().to(torch::kFloat32)).mean({1, 2, 3});
    total = total.defined() ? total + term : term;
  }
  return total / static_cast<double>(fake.size());
}

torch::Tensor generator_loss(GanMode mode, const DiscriminatorMaps& fake) {
  return generator_loss_each(mode, fake).mean();
}

torch::Tensor feature_matching_loss(const DiscriminatorMaps& real, const DiscriminatorMaps& fake) {
  torch::Tensor total;
  std::size_t count = 0;
  for (std::size_t s = 0; s < real.size(); ++s) {
    for (std::size_t l = 0; l + 1 < real[s].size(); ++l, ++count) {
      const auto term =
          torch::l1_loss(fake[s][l].to(torch::kFloat32), real[s][l].detach().to(torch::kFloat32));
      total = total.defined() ? total + term : term;
    }
  }
  return total / static_cast<double>(count);
}

}  // namespace semcodec
