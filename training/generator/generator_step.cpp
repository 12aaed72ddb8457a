// One step of the generator stage: what is generated, judged and learnt.

#include <cmath>

#include "common/app/interrupt.h"
#include "common/core/log.h"
#include "training/autocast.h"
#include "training/generator/generator_state.h"
#include "training/trainer/checkpoint.h"
#include "training/trainer/fused_adam.h"

namespace semcodec {

namespace {

// Flags of the ranks travel as one sum: those that got a signal count 1, those in divergence this
// much.
constexpr double kDivergenceFlag = 4096;

torch::Tensor upsample_condition(const torch::Tensor& condition) {
  return torch::upsample_nearest2d(condition, {condition.size(2) * 2, condition.size(3) * 2});
}

/// What D_I sees of a frame: its condition and the picture, cut by φ of eq. (4).
torch::Tensor image_discriminator_input(const Generated& p, const torch::Tensor& picture,
                                        const Patch& patch) {
  return patch.of(torch::cat({upsample_condition(p.condition), picture}, 1));
}

DiscriminatorMaps discriminator(Discriminator& net, const torch::Tensor& input, bool bf16) {
  const Autocast autocast(input.device(), bf16);
  return net->forward(input);
}

}  // namespace

std::vector<torch::Tensor> GeneratorTrainer::State::trained() const {
  auto all = generator->parameters();
  for (const auto& parameter : texture->parameters()) all.push_back(parameter);
  return all;
}

std::vector<torch::Tensor> GeneratorTrainer::State::discriminator_parameters() const {
  auto all = image_discriminator->parameters();
  for (const auto& parameter : video_discriminator->parameters()) all.push_back(parameter);
  return all;
}

Generated GeneratorTrainer::State::generate(const SequenceSample& sample) {
  const Autocast autocast(device, options.bf16);  // one conversion of the weights for all frames
  Random random(options.seed * 6151 + static_cast<std::uint64_t>(step));
  const int unroll =
      options.unroll > 0
          ? static_cast<int>(random.below(static_cast<std::uint64_t>(options.unroll) + 1))
          : 0;
  return generate_sample(generator, texture, sample, image_phase(), options.bf16,
                         options.checkpoint_activations, step + 1, unroll);
}

torch::Tensor GeneratorTrainer::State::discriminator_loss_of(const Generated& generated,
                                                             double share) {
  // φ of eq. (4): one patch a step for either judge.
  const auto patch = draw_patch(generated.frame, options.gan_patch, options.seed, step, 0);
  const bool bf16 = options.bf16;
  auto loss = discriminator_loss(
      options.gan,
      discriminator(image_discriminator,
                    image_discriminator_input(generated, generated.source, patch), bf16),
      discriminator(image_discriminator,
                    image_discriminator_input(generated, generated.frame, patch).detach(), bf16));
  notes.add("d_image", loss, share);
  if (generated.video_fake.defined() && options.weight_gan_video > 0) {
    const auto video_loss = discriminator_loss(
        options.gan, discriminator(video_discriminator, patch.of(generated.video_real), bf16),
        discriminator(video_discriminator, patch.of(generated.video_fake).detach(), bf16));
    notes.add("d_video", video_loss, share);
    loss = loss + video_loss;
  }
  return loss;
}

torch::Tensor GeneratorTrainer::State::generator_loss_of(const Generated& generated, double share) {
  const auto told = [&](const std::string& name, const torch::Tensor& loss) {
    notes.add(name, loss, share);
  };
  auto loss = objective(generated, step, told);
  if (!judged()) return loss;
  const auto patch = draw_patch(generated.frame, options.gan_patch, options.seed, step, 0);
  const bool bf16 = options.bf16;
  const auto real_maps = [&] {
    const torch::NoGradGuard no_grad;
    return discriminator(image_discriminator,
                         image_discriminator_input(generated, generated.source, patch), bf16);
  }();
  const auto fake_maps = discriminator(
      image_discriminator, image_discriminator_input(generated, generated.frame, patch), bf16);
  const auto adversarial = generator_loss(options.gan, fake_maps);
  notes.add("g_image", adversarial, share);
  loss = loss + options.weight_gan_image * adversarial +
         options.weight_matching * feature_matching_loss(real_maps, fake_maps);
  if (generated.video_fake.defined() && options.weight_gan_video > 0) {
    const auto video_adversarial = generator_loss(
        options.gan, discriminator(video_discriminator, patch.of(generated.video_fake), bf16));
    notes.add("g_video", video_adversarial, share);
    loss = loss + options.weight_gan_video * video_adversarial;
  }
  return loss;
}

void GeneratorTrainer::State::train_step(const SequenceSample& sample) {
  // Parts of the batch, one after the other: every loss is a mean over the batch, so the mean of
  // the parts' gradients is the gradient of the whole.
  const auto size = sample.pictures[0].size(0);
  const auto parts = std::min<std::int64_t>(options.accumulate, size);
  const auto part = [&](std::int64_t i) {
    const auto first = size * i / parts;
    return parts == 1 ? sample : part_of(sample, first, size * (i + 1) / parts - first);
  };
  const auto share_of = [&](const SequenceSample& some) {
    return static_cast<double>(some.pictures[0].size(0)) / static_cast<double>(size);
  };
  Generated generated;
  if (parts == 1) generated = generate(sample);
  if (judged()) {
    discriminator_adam->zero_grad();
    for (std::int64_t i = 0; i < parts; ++i) {
      const auto some = part(i);
      const auto shown = parts == 1 ? generated : [&] {
        const torch::NoGradGuard no_grad;
        return generate(some);
      }();
      (discriminator_loss_of(shown, share_of(some)) * share_of(some)).backward();
    }
    ranks.average_gradients(discriminator_parameters());
    fused_step(*discriminator_adam);
  }
  generator_adam->zero_grad();
  torch::Tensor total, error;
  const auto add = [](torch::Tensor& sum, const torch::Tensor& value) {
    sum = sum.defined() ? sum + value : value;
  };
  for (std::int64_t i = 0; i < parts; ++i) {
    const auto some = part(i);
    if (parts > 1) generated = generate(some);
    auto loss = generator_loss_of(generated, share_of(some)) * share_of(some);
    if (step == options.fault_at && !fault_used) loss = loss * NAN;
    loss.backward();
    const torch::NoGradGuard no_grad;
    add(total, loss.detach());
    add(error, torch::l1_loss(generated.frame, generated.source) * share_of(some));
  }
  if (step == options.fault_at) fault_used = true;
  notes.add("loss", total);
  notes.settle(log);
  log.step_done();

  const auto wrong = guard.check(total.item<double>(), error.item<double>(), finite_gradient);
  const double flags = ranks.average_gradients(
      trained(), (interrupted() ? 1.0 : 0.0) + (wrong ? kDivergenceFlag : 0.0));
  stop = std::fmod(flags, kDivergenceFlag) > 0;
  divergence.clear();
  if (flags >= kDivergenceFlag) {
    divergence = wrong.value_or("a loss on another rank went wrong");
    return;
  }
  const double norm = clip_gradients(trained(), options.clip_gradient);
  finite_gradient = std::isfinite(norm);
  if (!finite_gradient) {
    log::warning("Step " + std::to_string(step) + ": the gradient is not finite; step left out.");
    return;
  }
  fused_step(*generator_adam);
  update_ema(*average, *generator, options.average, step);
  update_ema(*texture_average, *texture, options.average, step);
}

double GeneratorTrainer::State::rate() const {
  constexpr std::int64_t kWarmUp = 100;
  return options.learning_rate * recovery.rate_scale *
         scheduled_rate(step, options.steps, kWarmUp, options.final_rate);
}

void GeneratorTrainer::State::set_rates() {
  set_rate(*generator_adam, rate());
  set_rate(*discriminator_adam, rate() * options.discriminator_learning_rate);
}

}  // namespace semcodec
