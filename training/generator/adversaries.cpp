#include "training/generator/adversaries.h"

#include "training/autocast.h"
#include "training/patch.h"

namespace semcodec {

namespace {

constexpr int kVideoChannels = 13;  // three frames and two flows

torch::Tensor upsample_condition(const torch::Tensor& condition) {
  return torch::upsample_nearest2d(condition, {condition.size(2) * 2, condition.size(3) * 2});
}

/// What D_I sees of a frame: its condition and the picture, cut by φ of eq. (4).
torch::Tensor image_input(const Generated& p, const torch::Tensor& picture, const Patch& patch) {
  return patch.of(torch::cat({upsample_condition(p.condition), picture}, 1));
}

DiscriminatorMaps scores(Discriminator& net, const torch::Tensor& input, bool bf16) {
  const Autocast autocast(input.device(), bf16);
  return net->forward(input);
}

}  // namespace

Adversaries::Adversaries(const GeneratorOptions& options, int condition_channels)
    : options_(options),
      image_(options.discriminator(3 + condition_channels)),
      video_(options.discriminator(kVideoChannels)) {}

std::vector<TrainedNetwork> Adversaries::networks() {
  return {{"image_discriminator", image_.get()}, {"video_discriminator", video_.get()}};
}

OptimiserSettings Adversaries::optimiser() const {
  const auto& o = options_;
  auto parameters = image_->parameters();
  for (const auto& parameter : video_->parameters()) parameters.push_back(parameter);
  const double rate =
      o.discriminator_learning_rate > 0 ? o.discriminator_learning_rate : o.learning_rate;
  OptimiserSettings settings{"discriminator", parameters, rate, o.beta1, o.beta2};
  settings.detached = true;
  return settings;
}

torch::Tensor Adversaries::discriminators_loss(const Generated& p, StepContext& context) {
  // φ of eq. (4): one patch a step for either discriminator.
  const auto patch = draw_patch(p.frame, options_.gan_patch, options_.seed, context.step, 0);
  const bool bf16 = options_.bf16;
  auto loss =
      discriminator_loss(options_.gan, scores(image_, image_input(p, p.source, patch), bf16),
                         scores(image_, image_input(p, p.frame, patch).detach(), bf16));
  context.note("d_image", loss);
  if (p.video_fake.defined() && options_.weight_gan_video > 0) {
    const auto video =
        discriminator_loss(options_.gan, scores(video_, patch.of(p.video_real), bf16),
                           scores(video_, patch.of(p.video_fake).detach(), bf16));
    context.note("d_video", video);
    loss = loss + video;
  }
  return loss;
}

torch::Tensor Adversaries::generator_loss(const Generated& p, StepContext& context) {
  const auto patch = draw_patch(p.frame, options_.gan_patch, options_.seed, context.step, 0);
  const bool bf16 = options_.bf16;
  const auto real_maps = [&] {
    const torch::NoGradGuard no_grad;
    return scores(image_, image_input(p, p.source, patch), bf16);
  }();
  const auto fake_maps = scores(image_, image_input(p, p.frame, patch), bf16);
  const auto image = semcodec::generator_loss(options_.gan, fake_maps);
  context.note("g_image", image);
  auto loss = options_.weight_gan_image * image +
              options_.weight_matching * feature_matching_loss(real_maps, fake_maps);
  if (p.video_fake.defined() && options_.weight_gan_video > 0) {
    const auto video =
        semcodec::generator_loss(options_.gan, scores(video_, patch.of(p.video_fake), bf16));
    context.note("g_video", video);
    loss = loss + options_.weight_gan_video * video;
  }
  return loss;
}

}  // namespace semcodec
