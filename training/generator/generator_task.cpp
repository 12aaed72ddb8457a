#include "training/generator/generator_task.h"

#include <filesystem>

#include "models/package/model_package.h"
#include "training/autocast.h"
#include "training/trainer/checkpoint.h"

namespace semcodec {

namespace fs = std::filesystem;

GeneratorTask::GeneratorTask(const GeneratorOptions& options, const Ranks& ranks)
    : TaskOn(options, ranks),
      options_(options),
      generator_(options.network),
      generator_ema_(options.network),
      texture_(options.network.texture),
      texture_ema_(options.network.texture),
      adversaries_(options, GeneratorConfig::kConditionChannels),
      sampler_(options.data, options.sampler),
      objective_(options, device()) {
  if (options.initial.empty()) return;
  start_from(*generator_, options.initial + "/generator.safetensors");
  const auto texture = options.initial + "/texture.safetensors";
  if (options.network.texture.channels > 0 && fs::exists(texture)) load_module(*texture_, texture);
}

std::vector<TrainedNetwork> GeneratorTask::networks() {
  std::vector<TrainedNetwork> all = {{"generator", generator_.get(), generator_ema_.get()},
                                     {"texture", texture_.get(), texture_ema_.get()}};
  for (auto& network : adversaries_.networks()) all.push_back(network);
  return all;
}

std::vector<OptimiserSettings> GeneratorTask::optimisers() {
  const auto& o = options_;
  auto parameters = generator_->parameters();
  for (const auto& parameter : texture_->parameters()) parameters.push_back(parameter);
  OptimiserSettings own{"generator", parameters, o.learning_rate, o.beta1, o.beta2, o.weight_decay};
  own.clipped = {own.parameters};
  own.clip = o.clip_gradient;
  return {adversaries_.optimiser(), own};
}

std::vector<std::string> GeneratorTask::columns() const {
  // In the units of the objective but without its weights.
  return {"loss", "l1",      "lpips",   "vgg",     "flow",    "warp",
          "rate", "d_image", "g_image", "d_video", "g_video", "spectrum"};
}

std::string GeneratorTask::describe() const {
  return std::to_string(sampler_.clips()) + " clips, " + std::to_string(sampler_.frames()) +
         " frames. " + objective_.describe();
}

SequenceSample GeneratorTask::draw(std::int64_t step, Random& random) const {
  const bool between = static_cast<double>(random.below(1000)) < options_.interpolator_share * 1000;
  // In the image phase one sequence gives one picture, so more of them fit into a step.
  const int size = image_phase(step) ? options_.batch * 2 : options_.batch;
  return draw_share(random, size, [&](std::uint64_t seed) { return sampler_.draw(seed, between); });
}

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

torch::Tensor GeneratorTask::loss(std::size_t optimiser, const SequenceSample& /*batch*/,
                                  StepContext& context) {
  if (optimiser != kGenerator) return adversaries_.discriminators_loss(generated_, context);
  const auto note = [&](const std::string& name, const torch::Tensor& value) {
    context.note(name, value);
  };
  auto loss = objective_(generated_, context.step, note);
  if (context.step >= options_.gan_start) {
    loss = loss + adversaries_.generator_loss(generated_, context);
  }
  const torch::NoGradGuard no_grad;
  context.set_error(torch::l1_loss(generated_.frame, generated_.source));
  return loss;
}

std::vector<torch::Tensor> GeneratorTask::samples(const SequenceSample& batch, std::int64_t step) {
  const auto generated =
      generate_sample(generator_ema_, texture_ema_, batch, image_phase(step), options_.bf16, false);
  const auto& map = generated.condition;
  const auto condition = torch::upsample_nearest2d(map, {map.size(2) * 2, map.size(3) * 2});
  return {condition.narrow(1, 0, 3), condition.narrow(1, 3, 1).expand({-1, 3, -1, -1}),
          generated.frame, generated.source};
}

void GeneratorTask::export_result(std::int64_t step) {
  const std::string& folder = options_.output;
  const auto write = [&](const torch::nn::Module& module, const std::string& name) {
    save_safetensors(folder + "/" + name, half_precision(module),
                     {{"step", std::to_string(step)}, {"objective", objective_.describe()}});
  };
  write(*generator_ema_, "generator.safetensors");
  if (options_.network.texture.channels > 0) write(*texture_ema_, "texture.safetensors");
  ModelPackage package;
  package.name = fs::path(folder).filename().string();
  package.config = options_.network;
  package.refine_flow = fs::exists(folder + "/flow.safetensors");
  write_package_description(folder, package);
}

}  // namespace semcodec
