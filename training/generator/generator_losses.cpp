// What the networks of the generator stage learn from in a step.

#include "training/autocast.h"
#include "training/generator/generator_task.h"

namespace semcodec {

namespace {

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

void GeneratorTask::forward(const SequenceSample& batch, const StepContext& context) {
  const Autocast autocast(device(), options_.bf16);  // weights are converted once for all frames
  Random random(options_.seed * 6151 + static_cast<std::uint64_t>(context.step));
  const int unroll =
      options_.unroll > 0
          ? static_cast<int>(random.below(static_cast<std::uint64_t>(options_.unroll) + 1))
          : 0;
  generated_ =
      generate_sample(generator_, texture_, batch, image_phase(context.step), options_.bf16,
                      options_.checkpoint_activations, context.step + 1, unroll);
}

torch::Tensor GeneratorTask::discriminators_loss(StepContext& context) {
  const auto& p = generated_;
  // φ of eq. (4): one patch a step for either discriminator.
  const auto patch = draw_patch(p.frame, options_.gan_patch, options_.seed, context.step, 0);
  const bool bf16 = options_.bf16;
  auto loss = discriminator_loss(
      options_.gan, scores(image_discriminator_, image_input(p, p.source, patch), bf16),
      scores(image_discriminator_, image_input(p, p.frame, patch).detach(), bf16));
  context.note("d_image", loss);
  if (p.video_fake.defined() && options_.weight_gan_video > 0) {
    const auto video =
        discriminator_loss(options_.gan, scores(video_discriminator_, patch.of(p.video_real), bf16),
                           scores(video_discriminator_, patch.of(p.video_fake).detach(), bf16));
    context.note("d_video", video);
    loss = loss + video;
  }
  return loss;
}

torch::Tensor GeneratorTask::adversarial_loss(StepContext& context) {
  const auto& p = generated_;
  const auto patch = draw_patch(p.frame, options_.gan_patch, options_.seed, context.step, 0);
  const bool bf16 = options_.bf16;
  const auto real_maps = [&] {
    const torch::NoGradGuard no_grad;
    return scores(image_discriminator_, image_input(p, p.source, patch), bf16);
  }();
  const auto fake_maps = scores(image_discriminator_, image_input(p, p.frame, patch), bf16);
  const auto image = generator_loss(options_.gan, fake_maps);
  context.note("g_image", image);
  auto loss = options_.weight_gan_image * image +
              options_.weight_matching * feature_matching_loss(real_maps, fake_maps);
  if (p.video_fake.defined() && options_.weight_gan_video > 0) {
    const auto video =
        generator_loss(options_.gan, scores(video_discriminator_, patch.of(p.video_fake), bf16));
    context.note("g_video", video);
    loss = loss + options_.weight_gan_video * video;
  }
  return loss;
}

torch::Tensor GeneratorTask::loss(std::size_t optimiser, const SequenceSample& /*batch*/,
                                  StepContext& context) {
  if (optimiser != kGenerator) return discriminators_loss(context);
  const auto note = [&](const std::string& name, const torch::Tensor& value) {
    context.note(name, value);
  };
  auto loss = objective_(generated_, context.step, note);
  if (context.step >= options_.gan_start) loss = loss + adversarial_loss(context);
  const torch::NoGradGuard no_grad;
  context.set_error(torch::l1_loss(generated_.frame, generated_.source));
  return loss;
}

}  // namespace semcodec
