#include "training/flow/flow_task.h"

#include <algorithm>
#include <utility>

#include "models/flownet2/flow_estimator.h"
#include "training/autocast.h"
#include "training/flow/store_textures.h"

namespace semcodec {
namespace {

torch::Tensor end_point_error(const torch::Tensor& predicted, const torch::Tensor& target) {
  // The small constant keeps the gradient of the root finite.
  return ((predicted - target).square().sum(1, true) + 1e-6).sqrt();
}

FlowPairs draw_pair(const SyntheticMotionOptions& motion, const ImageSource& source,
                    std::mt19937_64& random) {
  const MotionPair pair = make_motion_pair(motion, source, random);
  const auto planes = [&](const std::vector<float>& values, std::int64_t count) {
    return torch::tensor(at::ArrayRef<float>(values)).view({1, count, pair.height, pair.width});
  };
  return {planes(pair.image0, 3), planes(pair.image1, 3), planes(pair.flow, 2),
          planes(pair.visible, 1)};
}

/// The sum over members and levels; see flow_task.h.
torch::Tensor pyramid_loss(const FlowNet2Output& output, const FlowPairs& batch,
                           double robustness) {
  constexpr double kLevelWeights[] = {1.0, 0.5, 0.25, 0.125, 0.0625};
  constexpr double kHiddenWeight = 0.3;
  auto total = torch::zeros({}, batch.flow.options());
  // Pooled targets, shared by the members. Index: log2 of the reduction.
  std::vector<torch::Tensor> flows, weights;
  for (int k = 0; k <= 6; ++k) {
    flows.push_back(k == 0 ? batch.flow : torch::avg_pool2d(flows.back(), 2));
    weights.push_back(k == 0 ? batch.visible * (1 - kHiddenWeight) + kHiddenWeight
                             : torch::avg_pool2d(weights.back(), 2));
  }
  for (const auto& member : output.members) {
    const bool small_motion = member.name == "flownets_d";
    for (std::size_t k = 0; k < member.pyramid.size(); ++k) {
      const auto& predicted = member.pyramid[k];
      std::size_t level = 0;
      while (flows[level].size(3) != predicted.size(3)) ++level;
      auto weight = weights[level];
      if (small_motion) weight = weight / (1.0 + flows[level].square().sum(1, true).sqrt() / 5.0);
      const auto error = end_point_error(predicted * member.to_pixels, flows[level]);
      total = total + kLevelWeights[k] * (weight * (error + 0.01).pow(robustness)).mean();
    }
  }
  return total;
}

}  // namespace

std::vector<torch::Tensor*> tensors_of(FlowPairs& pairs) {
  return {&pairs.image0, &pairs.image1, &pairs.flow, &pairs.visible};
}

FlowTask::FlowTask(const FlowOptions& options, const Ranks& ranks)
    : FlowTask(options, ranks, open_textures(options.data, options.input_scale, TexturePart::train),
               open_textures(options.data, options.input_scale, TexturePart::held_out)) {}

FlowTask::FlowTask(const FlowOptions& options, const Ranks& ranks, ImageSource train,
                   ImageSource held_out)
    : TaskOn(options, ranks),
      options_(options),
      train_(std::move(train)),
      held_out_(std::move(held_out)),
      net_(options.net),
      ema_(options.net) {
  if (!options.initial.empty()) load_module(*net_, options.initial);
}

std::vector<TrainedNetwork> FlowTask::networks() { return {{"flow", net_.get(), ema_.get()}}; }

std::vector<OptimiserSettings> FlowTask::optimisers() {
  const auto& o = options_;
  OptimiserSettings own{"flow",  net_->parameters(), o.learning_rate, o.beta1,
                        o.beta2, o.weight_decay};
  own.clipped = {own.parameters};
  own.clip = o.clip_gradient;
  return {own};
}

std::string FlowTask::describe() const {
  return "FlowNet2 '" + to_text(options_.net.variant) + "' on synthetic pairs of " +
         std::to_string(options_.motion.width) + "x" + std::to_string(options_.motion.height) + ".";
}

FlowPairs FlowTask::draw(std::int64_t /*step*/, Random& random) const {
  return draw_share(random, options_.batch, [this](std::uint64_t seed) {
    std::mt19937_64 own(seed);
    return draw_pair(options_.motion, train_, own);
  });
}

void FlowTask::forward(const FlowPairs& batch, const StepContext& /*context*/) {
  const Autocast autocast(device(), options_.bf16);
  output_ = net_->forward_training(batch.image0, batch.image1, options_.detach_members);
}

torch::Tensor FlowTask::loss(std::size_t /*optimiser*/, const FlowPairs& batch,
                             StepContext& context) {
  const Autocast autocast(device(), options_.bf16);
  const auto loss = pyramid_loss(output_, batch, options_.robustness);
  const torch::NoGradGuard no_grad;
  const auto flow =
      output_.flow.size(3) == batch.flow.size(3)
          ? output_.flow
          : torch::upsample_bilinear2d(output_.flow, batch.flow.sizes().slice(2), false);
  const auto error = end_point_error(flow, batch.flow).mean();
  context.note("epe", error);
  context.set_error(error);
  return loss;
}

double FlowTask::end_point_error_on(int pairs, bool degraded) {
  auto motion = options_.motion;
  motion.degrade_probability = degraded ? 1.0 : 0.0;
  std::mt19937_64 random(987654321);
  const torch::NoGradGuard no_grad;
  double sum = 0, weight = 0;
  for (int done = 0; done < pairs; done += options_.batch) {
    std::vector<FlowPairs> drawn;
    for (int i = done; i < std::min(pairs, done + options_.batch); ++i) {
      drawn.push_back(draw_pair(motion, held_out_, random));
    }
    const auto batch = to_device(collate(std::move(drawn)), device());
    const Autocast autocast(device(), options_.bf16);
    const auto error = end_point_error(ema_->forward(batch.image0, batch.image1), batch.flow);
    sum += (error * batch.visible).sum().item<double>();
    weight += batch.visible.sum().item<double>();
  }
  return sum / std::max(1.0, weight);
}

std::vector<std::pair<std::string, double>> FlowTask::validate() {
  const int pairs = options_.validation_pairs;
  if (pairs == 0) return {};
  return {{"epe", end_point_error_on(pairs, false)},
          {"epe_degraded", end_point_error_on(pairs, true)}};
}

void FlowTask::export_result(std::int64_t step) {
  auto metadata = flow_metadata(options_.net, options_.input_scale);
  metadata["step"] = std::to_string(step);
  save_safetensors(options_.output + "/flow.safetensors", half_precision(*ema_), metadata);
}

}  // namespace semcodec
