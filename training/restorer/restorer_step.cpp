// One step of the restorer stage.

#include <cmath>
#include <tuple>

#include "common/app/interrupt.h"
#include "common/core/log.h"
#include "common/core/random.h"
#include "models/generator/flow_geometry.h"
#include "models/kernels/resample.h"
#include "training/autocast.h"
#include "training/patch.h"
#include "training/restorer/restorer_state.h"
#include "training/trainer/checkpoint.h"
#include "training/trainer/fused_adam.h"

namespace semcodec {

namespace {

// Flags of the ranks travel as one sum: those that got a signal count 1, those in divergence this
// much.
constexpr double kDivergenceFlag = 4096;
constexpr std::uint64_t kGanPatch = 1000;  // draw_patch's salt
constexpr double kFlowUnit = 20;           // pixels, of the flows that D_V sees
constexpr std::int64_t kHasMemory = 6;     // column of the scalars
// A step is a "bias correction" of the average: started from trained weights it needs none.
constexpr std::int64_t kTrained = 1'000'000;

DiscriminatorMaps scores(Discriminator& net, const torch::Tensor& input, bool bf16) {
  const Autocast autocast(input.device(), bf16);
  return net->forward(input);
}

/// What D_V sees of the last three frames of a sequence: the pictures and the flows between them.
torch::Tensor video_input(const BaseSample& batch, const std::vector<torch::Tensor>& pictures) {
  const auto count = pictures.size();
  return torch::cat(
      {pictures[count - 3], pictures[count - 2], pictures[count - 1],
       batch.frames[count - 2].flow / kFlowUnit, batch.frames[count - 1].flow / kFlowUnit},
      1);
}

std::vector<torch::Tensor> sources_of(const BaseSample& batch) {
  std::vector<torch::Tensor> pictures;
  for (const auto& frame : batch.frames) pictures.push_back(frame.source);
  return pictures;
}

std::vector<torch::Tensor> frames_of(const std::vector<RestorerImpl::Output>& outputs) {
  std::vector<torch::Tensor> pictures;
  for (const auto& output : outputs) pictures.push_back(output.frame);
  return pictures;
}

}  // namespace

std::pair<std::vector<torch::Tensor>, std::vector<torch::Tensor>>
RestorerTrainer::State::trained_parts() {
  std::vector<torch::Tensor> own, between;
  for (const auto& item : restorer->named_parameters()) {
    (item.key().rfind("interpolator.", 0) == 0 ? between : own).push_back(item.value());
  }
  return {own, between};
}

RestorerTrainer::State::Outputs RestorerTrainer::State::restore(Restorer& network,
                                                                const BaseSample& batch,
                                                                bool detached) const {
  const Autocast autocast(device, options.bf16);  // one conversion of the weights for all frames
  Outputs outputs;
  for (const auto& frame : batch.frames) {
    RestorerInput input;
    input.base = frame.base;
    input.near_a = frame.near_a;
    input.near_b = frame.near_b;
    input.edges = frame.edges;
    input.scalars = frame.scalars;
    if (outputs.empty()) {
      input.memory = torch::zeros_like(frame.base);
    } else {
      const auto& before = outputs.back().frame;
      const auto there = frame.scalars.narrow(1, kHasMemory, 1).unsqueeze(-1).unsqueeze(-1);
      input.memory =
          resample((detached ? before.detach() : before).clamp(0, 1), frame.flow) * there;
    }
    outputs.push_back(network->forward(input));
  }
  return outputs;
}

torch::Tensor RestorerTrainer::State::interpolator_loss_of(const BaseSample& batch,
                                                           const Outputs& outputs) {
  const auto& wanted = batch.interpolated;
  InterpolatorInput context;
  {
    const torch::NoGradGuard no_grad;
    context.picture_a = outputs[outputs.size() - 2].frame.clamp(0, 1);
    context.picture_b = outputs.back().frame.clamp(0, 1);
    context.small_a = small_picture(context.picture_a);
    context.small_b = small_picture(context.picture_b);
    const auto quarter = [](const torch::Tensor& flow) {
      return torch::avg_pool2d(flow, kFlowScale);
    };
    std::tie(context.flow_a, context.flow_b) =
        between(quarter(batch.frames.back().flow), quarter(wanted.flow_back), wanted.tau);
    context.tau = wanted.tau;
    context.interval = wanted.interval;
  }
  const auto output = [&] {
    const Autocast autocast(device, options.bf16);
    return restorer->interpolator()->forward(context);
  }();
  return objective.interpolated(
      output, wanted, step,
      [&](const std::string& name, const torch::Tensor& value) { notes.add(name, value); });
}

std::size_t RestorerTrainer::State::compared_frame() const {
  Random random(options.seed * 6151 + static_cast<std::uint64_t>(step));
  return random.below(static_cast<std::uint64_t>(options.sampler.unroll));
}

torch::Tensor RestorerTrainer::State::discriminator_loss_of(const BaseSample& batch,
                                                            const Outputs& outputs) {
  const auto at = compared_frame();
  const auto patch =
      draw_patch(outputs[at].frame, options.gan_patch, options.seed, step, kGanPatch);
  const auto score = [&](Discriminator& net, const torch::Tensor& input) {
    return scores(net, patch.of(input), options.bf16);
  };
  const auto& base = batch.frames[at].base;
  auto loss = discriminator_loss(
      options.gan, score(image_discriminator, torch::cat({batch.frames[at].source, base}, 1)),
      score(image_discriminator, torch::cat({outputs[at].frame.detach(), base}, 1)));
  notes.add("d_image", loss);
  if (with_video()) {
    const auto video = discriminator_loss(
        options.gan, score(video_discriminator, video_input(batch, sources_of(batch))),
        score(video_discriminator, video_input(batch, frames_of(outputs)).detach()));
    notes.add("d_video", video);
    loss = loss + video;
  }
  return loss;
}

torch::Tensor RestorerTrainer::State::adversarial_loss_of(const BaseSample& batch,
                                                          const Outputs& outputs) {
  const auto at = compared_frame();
  const auto patch =
      draw_patch(outputs[at].frame, options.gan_patch, options.seed, step, kGanPatch);
  // The same weight on average as without the factor.
  const auto share = 2 * batch.detail;
  const auto image = generator_loss_each(
      options.gan,
      scores(image_discriminator,
             patch.of(torch::cat({outputs[at].frame, batch.frames[at].base}, 1)), options.bf16));
  notes.add("g_image", image.mean());
  auto loss = options.weight_gan_image * (share * image).mean();
  if (with_video()) {
    const auto video = generator_loss_each(
        options.gan, scores(video_discriminator, patch.of(video_input(batch, frames_of(outputs))),
                            options.bf16));
    notes.add("g_video", video.mean());
    loss = loss + options.weight_gan_video * (share * video).mean();
  }
  return loss;
}

void RestorerTrainer::State::train_step(const BaseSample& batch) {
  // Over longer sequences the graph would hold all frames, and their gradients grow.
  const auto outputs = restore(restorer, batch, batch.frames.size() > 2);
  if (adversarial()) {
    discriminator_adam->zero_grad();
    discriminator_loss_of(batch, outputs).backward();
    std::vector<torch::Tensor> parameters = image_discriminator->parameters();
    for (const auto& p : video_discriminator->parameters()) parameters.push_back(p);
    ranks.average_gradients(parameters);
    fused_step(*discriminator_adam);
  }
  torch::Tensor loss = torch::zeros({}, outputs.front().frame.options());
  const auto count = static_cast<double>(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const bool last = i + 1 == outputs.size();
    loss = loss + objective(outputs[i], batch.frames[i].source, batch.detail, step,
                            static_cast<int>(i),
                            [&](const std::string& name, const torch::Tensor& value) {
                              notes.add(name, value, 1 / count);
                              if (last && name != "restored") notes.add(name + "_last", value);
                            });
  }
  if (adversarial()) loss = loss + adversarial_loss_of(batch, outputs);
  if (interpolates())
    loss = loss + options.weight_interpolator * interpolator_loss_of(batch, outputs);
  if (step == options.fault_at && !fault_used) {
    loss = loss * NAN;
    fault_used = true;
  }
  adam->zero_grad();
  loss.backward();
  notes.add("loss", loss);
  notes.settle(log);
  log.step_done();

  const auto error = torch::l1_loss(outputs.back().frame.detach(), batch.frames.back().source);
  const auto wrong = guard.check(loss.item<double>(), error.item<double>(), finite_gradient);
  const double flags = ranks.average_gradients(
      restorer->parameters(), (interrupted() ? 1.0 : 0.0) + (wrong ? kDivergenceFlag : 0.0));
  stop = std::fmod(flags, kDivergenceFlag) > 0;
  divergence.clear();
  if (flags >= kDivergenceFlag) {
    divergence = wrong.value_or("a loss on another rank went wrong");
    return;
  }
  // Apart, since neither network should slow the other down.
  const auto [own, between] = trained_parts();
  double norm = clip_gradients(own, options.clip_gradient);
  if (interpolates()) norm += clip_gradients(between, options.clip_gradient);
  finite_gradient = std::isfinite(norm);
  if (!finite_gradient) {
    log::warning("Step " + std::to_string(step) + ": the gradient is not finite; step left out.");
    return;
  }
  fused_step(*adam);
  update_ema(*average, *restorer, options.average,
             options.initial.empty() ? step : step + kTrained);
}

}  // namespace semcodec
