// What the networks of the restorer stage learn from in a step.

#include <tuple>

#include "models/generator/flow_geometry.h"
#include "models/kernels/resample.h"
#include "training/autocast.h"
#include "training/patch.h"
#include "training/restorer/restorer_task.h"

namespace semcodec {

namespace {

constexpr std::uint64_t kGanPatch = 1000;  // draw_patch's seed_offset
constexpr double kFlowUnit = 20;           // pixels, of the flows that D_V sees
constexpr std::int64_t kHasMemory = 6;     // column of the scalars

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

RestorerTask::Outputs RestorerTask::restore(Restorer& network, const BaseSample& batch,
                                            bool detached) const {
  const Autocast autocast(device(), options_.bf16);  // weights are converted once for all frames
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

void RestorerTask::forward(const BaseSample& batch, const StepContext& /*context*/) {
  // Over longer sequences the graph would hold all frames, and their gradients grow.
  outputs_ = restore(restorer_, batch, batch.frames.size() > 2);
}

torch::Tensor RestorerTask::interpolator_loss(const BaseSample& batch, StepContext& context) {
  const auto& wanted = batch.interpolated;
  InterpolatorInput input;
  {
    const torch::NoGradGuard no_grad;
    input.picture_a = outputs_[outputs_.size() - 2].frame.clamp(0, 1);
    input.picture_b = outputs_.back().frame.clamp(0, 1);
    input.small_a = small_picture(input.picture_a);
    input.small_b = small_picture(input.picture_b);
    const auto quarter = [](const torch::Tensor& flow) {
      return torch::avg_pool2d(flow, kFlowScale);
    };
    std::tie(input.flow_a, input.flow_b) =
        between(quarter(batch.frames.back().flow), quarter(wanted.flow_back), wanted.tau);
    input.tau = wanted.tau;
    input.interval = wanted.interval;
  }
  const auto output = [&] {
    const Autocast autocast(device(), options_.bf16);
    return restorer_->interpolator()->forward(input);
  }();
  return objective_.interpolated(
      output, wanted, context.step,
      [&](const std::string& name, const torch::Tensor& value) { context.note(name, value); });
}

std::size_t RestorerTask::compared_frame(std::int64_t step) const {
  Random random(options_.seed * 6151 + static_cast<std::uint64_t>(step));
  return random.below(static_cast<std::uint64_t>(options_.sampler.unroll));
}

torch::Tensor RestorerTask::discriminators_loss(const BaseSample& batch, StepContext& context) {
  const auto at = compared_frame(context.step);
  const auto& frame = outputs_[at].frame;
  const auto patch = draw_patch(frame, options_.gan_patch, options_.seed, context.step, kGanPatch);
  const auto score = [&](Discriminator& net, const torch::Tensor& input) {
    return scores(net, patch.of(input), options_.bf16);
  };
  const auto& base = batch.frames[at].base;
  auto loss = discriminator_loss(
      options_.gan, score(image_discriminator_, torch::cat({batch.frames[at].source, base}, 1)),
      score(image_discriminator_, torch::cat({frame.detach(), base}, 1)));
  context.note("d_image", loss);
  if (with_video()) {
    const auto video = discriminator_loss(
        options_.gan, score(video_discriminator_, video_input(batch, sources_of(batch))),
        score(video_discriminator_, video_input(batch, frames_of(outputs_)).detach()));
    context.note("d_video", video);
    loss = loss + video;
  }
  return loss;
}

torch::Tensor RestorerTask::adversarial_loss(const BaseSample& batch, StepContext& context) {
  const auto at = compared_frame(context.step);
  const auto& frame = outputs_[at].frame;
  const auto patch = draw_patch(frame, options_.gan_patch, options_.seed, context.step, kGanPatch);
  // The same weight on average as without the factor.
  const auto share = 2 * batch.detail;
  const auto image = generator_loss_each(
      options_.gan, scores(image_discriminator_,
                           patch.of(torch::cat({frame, batch.frames[at].base}, 1)), options_.bf16));
  context.note("g_image", image.mean());
  auto loss = options_.weight_gan_image * (share * image).mean();
  if (with_video()) {
    const auto input = patch.of(video_input(batch, frames_of(outputs_)));
    const auto video =
        generator_loss_each(options_.gan, scores(video_discriminator_, input, options_.bf16));
    context.note("g_video", video.mean());
    loss = loss + options_.weight_gan_video * (share * video).mean();
  }
  return loss;
}

torch::Tensor RestorerTask::loss(std::size_t optimiser, const BaseSample& batch,
                                 StepContext& context) {
  if (optimiser != kRestorer) return discriminators_loss(batch, context);
  torch::Tensor loss = torch::zeros({}, outputs_.front().frame.options());
  const auto count = static_cast<double>(outputs_.size());
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const bool last = i + 1 == outputs_.size();
    const auto note = [&](const std::string& name, const torch::Tensor& value) {
      context.note(name, value, 1 / count);
      if (last && name != "restored") context.note(name + "_last", value);
    };
    loss = loss + objective_(outputs_[i], batch.frames[i].source, batch.detail, context.step,
                             static_cast<int>(i), note);
  }
  if (context.step >= options_.gan_start) loss = loss + adversarial_loss(batch, context);
  if (interpolates())
    loss = loss + options_.weight_interpolator * interpolator_loss(batch, context);
  context.set_error(torch::l1_loss(outputs_.back().frame.detach(), batch.frames.back().source));
  return loss;
}

}  // namespace semcodec
