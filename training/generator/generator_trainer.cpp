#include "training/generator/generator_trainer.h"

#include <chrono>
#include <filesystem>

#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"
#include "training/generator/generator_state.h"
#include "training/run_tools.h"
#include "training/sample_grid.h"
#include "training/trainer/batch_feed.h"
#include "training/trainer/checkpoint.h"

namespace semcodec {

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Columns of losses.csv, in the units of the objective but without its weights.
const std::vector<std::string> kLosses = {"loss",    "l1",      "lpips",   "vgg",
                                          "flow",    "warp",    "rate",    "d_image",
                                          "g_image", "d_video", "g_video", "spectrum"};

SequenceSample draw_batch(const GeneratorOptions& options, const SequenceSampler& sampler,
                          const Ranks& ranks, std::int64_t step, std::int64_t seed_offset,
                          bool pin) {
  Random random(options.seed + static_cast<std::uint64_t>(step) * 1000003 +
                static_cast<std::uint64_t>(seed_offset) * 7777777777777ULL);
  const bool between = static_cast<double>(random.below(1000)) < options.interpolator_share * 1000;
  // In the image phase one sequence gives one picture, so more of them fit into a step.
  const int size = step < options.image_steps ? options.batch * 2 : options.batch;
  std::vector<SequenceSample> samples;
  for (int i = 0; i < size; ++i) {
    const auto seed = random.next();
    if (i % ranks.size() == ranks.rank()) samples.push_back(sampler.draw(seed, between));
  }
  auto batch = collate(samples);
  // From page-locked memory a copy to the GPU runs beside its work.
  return pin ? pinned(batch) : batch;
}

}  // namespace

GeneratorTrainer::State::State(const GeneratorOptions& o, const Ranks& r)
    : options(o),
      ranks(r),
      device(prepare_torch(o.device, o.threads, o.seed, r)),
      generator(o.network),
      average(o.network),
      texture(o.network.texture),
      texture_average(o.network.texture),
      image_discriminator(DiscriminatorConfig{3 + GeneratorConfig::kConditionChannels,
                                              o.discriminator_channels, 3, 2}),
      video_discriminator(DiscriminatorConfig{13, o.discriminator_channels, 3, 2}),
      sampler(o.data, o.sampler),
      objective(o, device),
      log(o.output, kLosses, r.first()) {}

void GeneratorTrainer::State::write_samples(const SequenceSample& sample) {
  const torch::NoGradGuard no_grad;
  // By the averaged weights, which are what is shipped.
  const auto generated =
      generate_sample(average, texture_average, sample, image_phase(), options.bf16, false);
  const auto condition = torch::upsample_nearest2d(
      generated.condition, {generated.condition.size(2) * 2, generated.condition.size(3) * 2});
  const auto grid = write_sample_grid(
      options.output + "/sample-" + std::to_string(step) + ".ppm",
      {condition.narrow(1, 0, 3), condition.narrow(1, 3, 1).expand({-1, 3, -1, -1}),
       generated.frame, generated.source});
  log.picture(step, static_cast<int>(grid.size(1)), static_cast<int>(grid.size(0)),
              {grid.data_ptr<std::uint8_t>(), static_cast<std::size_t>(grid.numel())});
}

GeneratorTrainer::GeneratorTrainer(const GeneratorOptions& options, const Ranks& ranks)
    : state_(std::make_unique<State>(options, ranks)) {
  auto& s = *state_;
  std::error_code code;
  std::filesystem::create_directories(options.output, code);
  require(!code, ErrorKind::output, "Cannot make " + options.output + ": " + code.message() + ".");
  if (!options.initial.empty()) {
    start_from(*s.generator, options.initial + "/generator.safetensors");
    const auto texture = options.initial + "/texture.safetensors";
    if (options.network.texture.channels > 0 && std::filesystem::exists(texture)) {
      load_module(*s.texture, texture);
    }
  }
  for (torch::nn::Module* module : {static_cast<torch::nn::Module*>(s.generator.get()),
                                    static_cast<torch::nn::Module*>(s.average.get()),
                                    static_cast<torch::nn::Module*>(s.texture.get()),
                                    static_cast<torch::nn::Module*>(s.texture_average.get()),
                                    static_cast<torch::nn::Module*>(s.image_discriminator.get()),
                                    static_cast<torch::nn::Module*>(s.video_discriminator.get())}) {
    module->to(s.device);
    to_channels_last(*module);
  }
  update_ema(*s.average, *s.generator, 0.0, 0);
  update_ema(*s.texture_average, *s.texture, 0.0, 0);
  const auto adam = [&] {
    return torch::optim::AdamOptions(options.learning_rate).betas({options.beta1, options.beta2});
  };
  const auto discriminators = s.discriminator_parameters();
  s.generator_adam = std::make_unique<torch::optim::Adam>(s.trained(), adam());
  s.discriminator_adam = std::make_unique<torch::optim::Adam>(discriminators, adam());

  require(options.batch % ranks.size() == 0, ErrorKind::usage,
          "'generator.batch' is " + std::to_string(options.batch) + ", which " +
              std::to_string(ranks.size()) + " ranks cannot share; give a multiple.");
  if (!ranks.first()) return;
  std::int64_t count = 0;
  for (const auto& parameter : s.trained()) count += parameter.numel();
  log::info("Generator of " + std::to_string(count) + " parameters on " + describe(s.device) +
            "; " + std::to_string(s.sampler.clips()) + " clips, " +
            std::to_string(s.sampler.frames()) + " frames.");
  log::info(s.objective.describe());
}

GeneratorTrainer::~GeneratorTrainer() = default;

void GeneratorTrainer::save() { state_->save(); }

std::map<std::string, double> GeneratorTrainer::step_on(const SequenceSample& batch) {
  state_->set_rates();
  state_->train_step(batch);
  ++state_->step;
  return state_->log.take();
}

void GeneratorTrainer::run() {
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
    BatchFeed<SequenceSample> feed(
        [&s, seed_offset = s.recovery.reseed](std::int64_t step) {
          return draw_batch(s.options, s.sampler, s.ranks, step, seed_offset, s.device.is_cuda());
        },
        s.step, options.steps, options.workers);
    while (s.step < last && !s.stop && s.divergence.empty()) {
      const auto sample = to_device(feed.batch_of(s.step), s.device);
      s.set_rates();
      const double rate = s.rate();
      s.train_step(sample);
      if (!s.divergence.empty()) break;
      ++s.step;
      if (s.step % options.log_every == 0) {
        s.log.report(s.step, options.steps,
                     since(reported) / static_cast<double>(options.log_every), rate, s.ranks.size(),
                     over_ranks);
        reported = Clock::now();
      }
      if (s.step % options.sample_every == 0 && s.ranks.first()) {
        unless_disk_is_full([&] { s.write_samples(sample); });
      }
      if (since(saved) > options.checkpoint_minutes * 60) {
        unless_disk_is_full([&] { s.save(); });
        saved = Clock::now();
      }
    }
    if (s.step >= last && s.divergence.empty() && !finite_weights(s.trained())) {
      s.divergence = "there are weights that are no numbers";
    }
    if (!s.divergence.empty()) s.roll_back();
  }
  s.save();
}

}  // namespace semcodec
