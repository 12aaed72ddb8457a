#include "training/restorer/restorer_trainer.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "common/core/error.h"
#include "common/core/log.h"
#include "common/core/random.h"
#include "models/core/device.h"
#include "models/core/safetensors.h"
#include "models/package/model_package.h"
#include "training/restorer/restorer_state.h"
#include "training/run_tools.h"
#include "training/sample_grid.h"
#include "training/trainer/batch_feed.h"
#include "training/trainer/checkpoint.h"

namespace semcodec {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kHeldOutSamples = 24;
constexpr double kDiscriminatorBeta1 = 0.5, kDiscriminatorBeta2 = 0.99;

/// Columns of losses.csv, in the units of the objective but without its weights: means over the
/// frames of a sequence, and of its last frame alone.
const std::vector<std::string> kLosses = {"loss",
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

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The generator of planes has an interpolator too, which is a better beginning than none.
void load_interpolator(Restorer& restorer, const ModelPackage& package) {
  const std::string prefix = "interpolator.";
  TensorMap own;
  for (const auto& [name, tensor] : load_safetensors(package.generator_path())) {
    if (name.rfind(prefix, 0) == 0) own[name.substr(prefix.size())] = tensor;
  }
  load_into(*restorer->interpolator(), own, package.generator_path());
}

double psnr(const torch::Tensor& a, const torch::Tensor& b) {
  const auto each = (a.clamp(0, 1) - b).square().mean({1, 2, 3}).clamp_min(1e-10);
  return (-10 * each.log10()).mean().item<double>();
}

}  // namespace

RestorerTrainer::State::State(const RestorerOptions& o, const Ranks& r)
    : options(o),
      ranks(r),
      device(prepare_torch(o.device, o.threads, o.seed, r)),
      restorer(o.network),
      average(o.network),
      image_discriminator(DiscriminatorConfig{6, o.discriminator_channels, 3, 2}),
      video_discriminator(DiscriminatorConfig{13, o.discriminator_channels, 3, 2}),
      sampler(o.data, o.sampler, BaseSampler::Part::all_but, o.validation),
      objective(o, device),
      log(o.output, kLosses, r.first()) {
  if (o.validation.empty() || !r.first()) return;
  // The same samples in every run, each with its neighbours and its memory.
  auto whole = o.sampler;
  whole.no_next_share = whole.no_previous_share = 0;
  whole.memory_share = 1;
  const BaseSampler part(o.data, whole, BaseSampler::Part::only, o.validation);
  std::vector<BaseSample> samples;
  for (int i = 0; i < kHeldOutSamples; ++i)
    samples.push_back(part.draw(static_cast<std::uint64_t>(i)));
  held_out = to_device(collate(samples), device);
}

double RestorerTrainer::State::rate() const {
  return options.learning_rate * recovery.rate_scale *
         scheduled_rate(step, options.steps, options.warm_up, options.final_rate);
}

void RestorerTrainer::State::set_rates() {
  set_rate(*adam, rate());
  set_rate(*discriminator_adam, options.discriminator_rate * recovery.rate_scale);
}

BaseSample RestorerTrainer::State::draw_batch(std::int64_t at, std::int64_t reseed) const {
  Random random(options.seed + static_cast<std::uint64_t>(at) * 1000003 +
                static_cast<std::uint64_t>(reseed) * 7777777777777ULL);
  std::vector<BaseSample> samples;
  for (int i = 0; i < options.batch; ++i) {
    const auto seed = random.next();
    if (i % ranks.size() == ranks.rank()) samples.push_back(sampler.draw(seed));
  }
  auto batch = collate(samples);
  // From page-locked memory a copy to the GPU runs beside its work.
  return device.is_cuda() ? pinned(batch) : batch;
}

void RestorerTrainer::State::write_samples(const BaseSample& batch) {
  const torch::NoGradGuard no_grad;
  // By the averaged weights, which are what is shipped.
  const auto outputs = restore(average, batch, true);
  const auto& last = batch.frames.back();
  const auto grid = write_sample_grid(options.output + "/sample-" + std::to_string(step) + ".ppm",
                                      {last.base, outputs.back().frame, last.source});
  log.picture(step, static_cast<int>(grid.size(1)), static_cast<int>(grid.size(0)),
              {grid.data_ptr<std::uint8_t>(), static_cast<std::size_t>(grid.numel())});
}

void RestorerTrainer::State::validate() {
  const torch::NoGradGuard no_grad;
  const auto frame = restore(average, *held_out, true).back().frame;
  const auto& last = held_out->frames.back();
  const double base_psnr = psnr(last.base, last.source), own_psnr = psnr(frame, last.source);
  char text[160];
  std::vector<std::pair<std::string, double>> values = {{"validation/psnr", own_psnr},
                                                        {"validation/psnr_base", base_psnr}};
  std::snprintf(text, sizeof text, "held out at step %lld: PSNR %.2f dB (base %.2f)",
                static_cast<long long>(step), own_psnr, base_psnr);
  std::string line = text;
  const auto distance = objective.lpips(frame.clamp(0, 1), last.source);
  if (distance.defined()) {
    const double own = distance.mean().item<double>();
    const double base = objective.lpips(last.base, last.source).mean().item<double>();
    std::snprintf(text, sizeof text, ", LPIPS %.4f (base %.4f)", own, base);
    line += text;
    values.insert(values.end(), {{"validation/lpips", own}, {"validation/lpips_base", base}});
  }
  log::info(line + ".");
  log.scalars(step, values);
}

RestorerTrainer::RestorerTrainer(const RestorerOptions& options, const Ranks& ranks)
    : state_(std::make_unique<State>(resolved(options), ranks)) {
  auto& s = *state_;
  std::error_code code;
  std::filesystem::create_directories(options.output, code);
  require(!code, ErrorKind::output, "Cannot make " + options.output + ": " + code.message() + ".");
  require(options.batch % ranks.size() == 0, ErrorKind::usage,
          "'restorer.batch' is " + std::to_string(options.batch) + ", which " +
              std::to_string(ranks.size()) + " ranks cannot share; give a multiple.");
  const bool package = std::filesystem::is_directory(options.initial);
  if (!package) load_interpolator(s.restorer, open_package(options.package));
  if (!options.initial.empty()) {
    start_from(*s.restorer, package ? options.initial + "/restorer.safetensors" : options.initial,
               "interpolator.");
  }
  for (torch::nn::Module* module : {static_cast<torch::nn::Module*>(s.restorer.get()),
                                    static_cast<torch::nn::Module*>(s.average.get()),
                                    static_cast<torch::nn::Module*>(s.image_discriminator.get()),
                                    static_cast<torch::nn::Module*>(s.video_discriminator.get())}) {
    module->to(s.device);
    to_channels_last(*module);
  }
  update_ema(*s.average, *s.restorer, 0.0, 0);
  auto discriminators = s.image_discriminator->parameters();
  for (const auto& p : s.video_discriminator->parameters()) discriminators.push_back(p);
  s.adam = std::make_unique<torch::optim::Adam>(
      s.restorer->parameters(),
      torch::optim::AdamOptions(options.learning_rate).betas({options.beta1, options.beta2}));
  s.discriminator_adam = std::make_unique<torch::optim::Adam>(
      discriminators, torch::optim::AdamOptions(options.discriminator_rate)
                          .betas({kDiscriminatorBeta1, kDiscriminatorBeta2}));
  if (!ranks.first()) return;
  std::int64_t count = 0;
  for (const auto& parameter : s.restorer->parameters()) count += parameter.numel();
  const auto& flow = s.options.sampler.flow;
  log::info("Restorer of " + std::to_string(count) + " parameters on " + describe(s.device) + "; " +
            std::to_string(s.sampler.clips()) + " clips, " + std::to_string(s.sampler.layers()) +
            " base layers, " + std::to_string(s.sampler.frames()) + " frames; motion by DIS" +
            (flow.empty() ? "." : " and " + flow + "."));
  log::info(s.objective.describe());
}

RestorerTrainer::~RestorerTrainer() = default;

void RestorerTrainer::save() { state_->save(); }

BaseSample RestorerTrainer::batch_of(std::int64_t step) const {
  return state_->draw_batch(step, state_->recovery.reseed);
}

std::map<std::string, double> RestorerTrainer::step_on(const BaseSample& batch) {
  state_->set_rates();
  state_->train_step(batch);
  ++state_->step;
  return state_->log.take();
}

void RestorerTrainer::run() {
  auto& s = *state_;
  const auto& options = s.options;
  const auto last =
      options.stop_after > 0 ? std::min(options.stop_after, options.steps) : options.steps;
  if (!s.resumed) {
    s.log.start_at(0);
    s.save();  // something to go back to
  }
  const auto over_ranks = [&](std::vector<double>& values) { s.ranks.sum(values); };
  auto saved = Clock::now(), reported = saved;
  while (s.step < last && !s.stop) {
    BatchFeed<BaseSample> feed(
        [&s, reseed = s.recovery.reseed](std::int64_t step) { return s.draw_batch(step, reseed); },
        s.step, options.steps, options.workers);
    while (s.step < last && !s.stop && s.divergence.empty()) {
      const auto batch = to_device(feed.batch_of(s.step), s.device);
      s.set_rates();
      const double rate = s.rate();
      s.train_step(batch);
      if (!s.divergence.empty()) break;
      ++s.step;
      if (s.step % options.log_every == 0) {
        s.log.report(s.step, options.steps,
                     since(reported) / static_cast<double>(options.log_every), rate, s.ranks.size(),
                     over_ranks);
        reported = Clock::now();
      }
      if (s.step % options.sample_every == 0 && s.ranks.first()) {
        unless_disk_is_full([&] { s.write_samples(s.held_out ? *s.held_out : batch); });
        if (s.held_out) s.validate();
      }
      if (since(saved) > options.checkpoint_minutes * 60) {
        unless_disk_is_full([&] { s.save(); });
        saved = Clock::now();
      }
    }
    if (s.step >= last && s.divergence.empty() && !finite_weights(s.restorer->parameters())) {
      s.divergence = "there are weights that are no numbers";
    }
    if (!s.divergence.empty()) s.roll_back();
  }
  s.save();
}

}  // namespace semcodec
