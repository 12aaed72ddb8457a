#include "training/baselines/baseline_task.h"

#include "common/core/error.h"
#include "models/baselines/baseline_cost.h"
#include "training/autocast.h"

namespace semcodec {

namespace {

/// The objective's terms on motion are those of our generator; vid2vid has its own.
GeneratorOptions without_motion(GeneratorOptions options) {
  options.weight_flow = options.weight_warp = 0;
  return options;
}

torch::Tensor changes(const std::vector<BaselineOutput>& outputs) {
  return torch::cat({outputs[1].frame - outputs[0].frame, outputs[2].frame - outputs[1].frame}, 0);
}

torch::Tensor frames_of(const std::vector<BaselineOutput>& outputs) {
  return torch::cat({outputs[0].frame, outputs[1].frame, outputs[2].frame}, 0);
}

}  // namespace

BaselineTask::BaselineTask(const GeneratorOptions& options, const Ranks& ranks)
    : TaskOn(options, ranks),
      options_(options),
      net_(make_baseline(options.baseline)),
      ema_(make_baseline(options.baseline)),
      adversaries_(options, condition_channels(options.baseline)),
      sampler_(options.data, options.sampler),
      objective_(without_motion(options), device()) {
  // One more halving: Fast-vid2vid's input is halved before its first layer.
  const int multiple = 2 * net_->stride();
  require(options.sampler.crop % multiple == 0, ErrorKind::usage,
          "'generator.crop' is " + std::to_string(options.sampler.crop) + "; " + options.kind +
              " needs a multiple of " + std::to_string(multiple) + ".");
  if (net_->temporal()) motion_.emplace(options.flow, device());
  if (options.kind != "fast-vid2vid" || options.teacher.empty()) return;
  teacher_ = load_baseline(options.teacher, device());
  require(teacher_->config().kind == "vid2vid", ErrorKind::usage,
          options.teacher + " is no vid2vid but " + teacher_->config().kind +
              "; fast-vid2vid follows a vid2vid.");
  if (options.weight_vgg > 0) features_ = find_feature_net();
  if (features_) features_->to(device());
}

std::vector<TrainedNetwork> BaselineTask::networks() {
  std::vector<TrainedNetwork> all = {{"generator", net_.get(), ema_.get()}};
  for (auto& network : adversaries_.networks()) all.push_back(network);
  return all;
}

std::vector<OptimiserSettings> BaselineTask::optimisers() {
  const auto& o = options_;
  OptimiserSettings own{"generator", net_->parameters(), o.learning_rate, o.beta1,
                        o.beta2,     o.weight_decay};
  own.clipped = {own.parameters};
  own.clip = o.clip_gradient;
  return {adversaries_.optimiser(), own};
}

std::vector<std::string> BaselineTask::columns() const {
  return {"loss",    "l1",      "lpips",   "vgg",     "flow",     "warp",
          "d_image", "g_image", "d_video", "g_video", "spectrum", "distillation"};
}

std::string BaselineTask::describe() const {
  return options_.kind + ": " + cost_sentence(*net_) + " " + std::to_string(sampler_.clips()) +
         " clips, " + std::to_string(sampler_.frames()) + " frames. " + objective_.describe() +
         (motion_ ? " " + motion_->describe() : "") +
         (teacher_ ? " Follows " + options_.teacher + "." : "");
}

SequenceSample BaselineTask::draw(std::int64_t /*step*/, Random& random) const {
  return draw_share(random, options_.batch,
                    [&](std::uint64_t seed) { return sampler_.draw(seed, false); });
}

void BaselineTask::forward(const SequenceSample& batch, const StepContext& /*context*/) {
  outputs_ = generate_chain(net_, batch, options_.bf16);
  generated_ = as_generated(outputs_, batch, options_.baseline);
  taught_.clear();
  if (teacher_ && options_.weight_distillation > 0) {
    const torch::NoGradGuard no_grad;
    taught_ = generate_chain(teacher_, batch, options_.bf16);
  }
}

torch::Tensor BaselineTask::distillation_loss(StepContext& context) {
  const auto frames = frames_of(outputs_), wanted = frames_of(taught_);
  auto loss = torch::l1_loss(frames, wanted) + torch::l1_loss(changes(outputs_), changes(taught_));
  if (features_) {
    const Autocast autocast(device(), options_.bf16);
    loss = loss + options_.weight_vgg * perceptual_l1(*features_, frames, wanted);
  }
  context.note("distillation", loss);
  return options_.weight_distillation * loss;
}

torch::Tensor BaselineTask::loss(std::size_t optimiser, const SequenceSample& batch,
                                 StepContext& context) {
  if (optimiser != kGenerator) return adversaries_.discriminators_loss(generated_, context);
  const auto note = [&](const std::string& name, const torch::Tensor& value) {
    context.note(name, value);
  };
  auto loss = objective_(generated_, context.step, note);
  if (motion_ && (options_.weight_flow > 0 || options_.weight_warp > 0)) {
    const auto motion = (*motion_)(outputs_, batch);
    note("flow", motion.flow);
    note("warp", motion.warp);
    loss = loss + options_.weight_flow * motion.flow + options_.weight_warp * motion.warp;
  }
  if (!taught_.empty()) loss = loss + distillation_loss(context);
  if (context.step >= options_.gan_start) {
    loss = loss + adversaries_.generator_loss(generated_, context);
  }
  const torch::NoGradGuard no_grad;
  context.set_error(torch::l1_loss(generated_.frame, generated_.source));
  return loss;
}

std::vector<torch::Tensor> BaselineTask::samples(const SequenceSample& batch,
                                                 std::int64_t /*step*/) {
  const auto outputs = generate_chain(ema_, batch, options_.bf16);
  const auto map = baseline_condition(batch.conditions[2], options_.baseline);
  const auto shown = map.size(1) == 1 ? map.expand({-1, 3, -1, -1}) : map.narrow(1, 0, 3);
  return {shown, outputs[2].frame, batch.pictures[2]};
}

void BaselineTask::export_result(std::int64_t step) {
  save_baseline(*ema_, options_.output + "/baseline.safetensors",
                "step " + std::to_string(step) + "; " + objective_.describe());
}

}  // namespace semcodec
