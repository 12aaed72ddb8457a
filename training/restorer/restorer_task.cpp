#include "training/restorer/restorer_task.h"

#include <filesystem>

#include "models/core/safetensors.h"
#include "models/package/model_package.h"
#include "training/copy_file.h"
#include "training/trainer/checkpoint.h"

namespace semcodec {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kHeldOutSamples = 24;
constexpr double kDiscriminatorBeta1 = 0.5, kDiscriminatorBeta2 = 0.99;
const std::string kInterpolator = "interpolator.";

/// The generator of planes has an interpolator too, which is a better beginning than none.
void load_interpolator(Restorer& restorer, const ModelPackage& package) {
  TensorMap own;
  for (const auto& [name, tensor] : load_safetensors(package.generator_path())) {
    if (name.rfind(kInterpolator, 0) == 0) own[name.substr(kInterpolator.size())] = tensor;
  }
  load_into(*restorer->interpolator(), own, package.generator_path());
}

double psnr(const torch::Tensor& a, const torch::Tensor& b) {
  const auto each = (a.clamp(0, 1) - b).square().mean({1, 2, 3}).clamp_min(1e-10);
  return (-10 * each.log10()).mean().item<double>();
}

/// The same samples in every run, each with its neighbours and its memory.
BaseSample held_out_batch(const RestorerOptions& options) {
  auto whole = options.sampler;
  whole.no_next_share = whole.no_previous_share = 0;
  whole.memory_share = 1;
  const BaseSampler part(options.data, whole, BaseSampler::Part::only, options.validation);
  std::vector<BaseSample> samples;
  for (std::uint64_t i = 0; i < kHeldOutSamples; ++i) samples.push_back(part.draw(i));
  return collate(std::move(samples));
}

}  // namespace

RestorerTask::RestorerTask(const RestorerOptions& options, const Ranks& ranks)
    : TaskOn(options, ranks),
      options_(resolved(options)),
      restorer_(options_.network),
      ema_(options_.network),
      image_discriminator_(options.discriminator(6)),
      video_discriminator_(options.discriminator(13)),
      sampler_(options_.data, options_.sampler, BaseSampler::Part::all_but, options_.validation),
      objective_(options_, device()) {
  if (!options_.validation.empty() && ranks.first()) {
    held_out_ = to_device(held_out_batch(options_), device());
  }
  const auto& initial = options_.initial;
  const bool package = fs::is_directory(initial);
  if (!package) load_interpolator(restorer_, open_package(options_.package));
  if (initial.empty()) return;
  start_from(*restorer_, package ? initial + "/restorer.safetensors" : initial, kInterpolator);
}

std::vector<TrainedNetwork> RestorerTask::networks() {
  return {{"restorer", restorer_.get(), ema_.get()},
          {"image_discriminator", image_discriminator_.get()},
          {"video_discriminator", video_discriminator_.get()}};
}

std::vector<OptimiserSettings> RestorerTask::optimisers() {
  OptimiserSettings discriminator{"discriminator", image_discriminator_->parameters(),
                                  options_.discriminator_learning_rate, kDiscriminatorBeta1,
                                  kDiscriminatorBeta2};
  for (const auto& p : video_discriminator_->parameters()) discriminator.parameters.push_back(p);
  discriminator.scheduled = false;
  discriminator.detached = true;
  OptimiserSettings own{"restorer",     restorer_->parameters(), options_.learning_rate,
                        options_.beta1, options_.beta2,          options_.weight_decay};
  // Gradients are limited apart, since neither network should slow the other down.
  std::vector<torch::Tensor> restoring, between;
  for (const auto& item : restorer_->named_parameters()) {
    (item.key().rfind(kInterpolator, 0) == 0 ? between : restoring).push_back(item.value());
  }
  own.clipped.push_back(std::move(restoring));
  if (interpolates()) own.clipped.push_back(std::move(between));
  own.clip = options_.clip_gradient;
  return {discriminator, own};
}

std::vector<std::string> RestorerTask::columns() const {
  return {"loss",
          "l1",
          "lpips",
          "vgg",
          "restored",
          "l1_last",
          "lpips_last",
          "vgg_last",
          "interpolator_l1",
          "interpolator_lpips",
          "interpolator_warp",
          "d_image",
          "g_image",
          "d_video",
          "g_video"};
}

std::string RestorerTask::describe() const {
  const auto& flow = options_.sampler.flow;
  return std::to_string(sampler_.clips()) + " clips, " + std::to_string(sampler_.layers()) +
         " base layers, " + std::to_string(sampler_.frames()) + " frames; motion by DIS" +
         (flow.empty() ? ". " : " and " + flow + ". ") + objective_.describe();
}

BaseSample RestorerTask::draw(std::int64_t /*step*/, Random& random) const {
  return draw_share(random, options_.batch,
                    [this](std::uint64_t seed) { return sampler_.draw(seed); });
}

std::vector<torch::Tensor> RestorerTask::samples(const BaseSample& batch, std::int64_t /*step*/) {
  const auto& shown = held_out_ ? *held_out_ : batch;
  const auto& last = shown.frames.back();
  return {last.base, restore(ema_, shown, true).back().frame, last.source};
}

std::vector<std::pair<std::string, double>> RestorerTask::validate() {
  if (!held_out_) return {};
  const auto frame = restore(ema_, *held_out_, true).back().frame;
  const auto& last = held_out_->frames.back();
  std::vector<std::pair<std::string, double>> figures = {
      {"psnr", psnr(frame, last.source)}, {"psnr_base", psnr(last.base, last.source)}};
  const auto distance = objective_.lpips(frame.clamp(0, 1), last.source);
  if (distance.defined()) {
    figures.emplace_back("lpips", distance.mean().item<double>());
    figures.emplace_back("lpips_base",
                         objective_.lpips(last.base, last.source).mean().item<double>());
  }
  return figures;
}

void RestorerTask::export_result(std::int64_t step) {
  const std::string& folder = options_.output;
  auto package = open_package(options_.package);
  for (const auto& path : {package.generator_path(), package.edges_path(), package.texture_path(),
                           package.flow_path()}) {
    if (fs::exists(path)) copy_whole(path, folder + "/" + fs::path(path).filename().string());
  }
  save_safetensors(folder + "/restorer.safetensors", half_precision(*ema_),
                   {{"step", std::to_string(step)}, {"objective", objective_.describe()}});
  package.name = fs::path(folder).filename().string();
  package.restorer = options_.network;
  package.detail = options_.detail;
  package.base_flow = options_.base_flow;
  write_package_description(folder, package);
}

}  // namespace semcodec
