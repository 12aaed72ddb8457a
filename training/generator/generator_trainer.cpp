#include "training/generator/generator_trainer.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <thread>

#include "common/app/bounded_queue.h"
#include "common/app/interrupt.h"
#include "common/core/error.h"
#include "common/core/log.h"
#include "models/core/device.h"
#include "models/discriminator/discriminator.h"
#include "models/package/model_package.h"
#include "training/checkpoint.h"
#include "training/generator/autocast.h"
#include "training/generator/objective.h"
#include "training/generator/painting.h"
#include "training/sample_grid.h"

namespace semcodec {

namespace {

using Clock = std::chrono::steady_clock;

/// Columns of losses.csv, in the units of the objective but without its weights.
constexpr const char* kLosses[] = {"loss", "l1",      "lpips",   "vgg",     "flow",   "warp",
                                   "rate", "d_image", "g_image", "d_video", "g_video"};

/// Before the first network: the device, the threads, and the seed of the initial weights.
torch::Device prepare_torch(const GeneratorOptions& options) {
  const auto device = parse_device(options.device);
  set_threads(options.threads);
  torch::manual_seed(options.seed);
  return device;
}

torch::Tensor upsample_condition(const torch::Tensor& condition) {
  return torch::upsample_nearest2d(condition, {condition.size(2) * 2, condition.size(3) * 2});
}

}  // namespace

struct GeneratorTrainer::State {
  State(const GeneratorOptions& o, const Ranks& r)
      : options(o),
        ranks(r),
        device(prepare_torch(o)),
        generator(o.network),
        average(o.network),
        texture(o.network.texture),
        texture_average(o.network.texture),
        image_judge(DiscriminatorConfig{3 + GeneratorConfig::kConditionChannels,
                                        o.discriminator_channels, 3, 2}),
        video_judge(DiscriminatorConfig{13, o.discriminator_channels, 3, 2}),
        sampler(o.data, o.sampler),
        objective(o, device) {}

  GeneratorOptions options;
  const Ranks& ranks;
  torch::Device device;
  Generator generator, average;
  TextureEncoder texture, texture_average;
  Discriminator image_judge, video_judge;
  SequenceSampler sampler;
  Objective objective;
  std::unique_ptr<torch::optim::Adam> generator_adam, judge_adam;
  std::int64_t step = 0;
  std::map<std::string, double> sums;  ///< losses since the last log line
  std::int64_t summed = 0;
  bool stop = false;  ///< some rank got a signal

  std::string checkpoint_path() const { return options.output + "/checkpoint.safetensors"; }
  std::string log_path() const { return options.output + "/losses.csv"; }

  void note(const std::string& name, const torch::Tensor& loss) {
    sums[name] += loss.detach().item<double>();
  }
  bool image_phase() const { return step < options.image_steps; }
  bool judged() const { return step >= options.gan_start; }

  Painted paint(const SequenceSample& sample) {
    return paint_sample(generator, texture, sample, image_phase(), options.bf16);
  }
  torch::Tensor image_judge_input(const Painted& painted, const torch::Tensor& picture,
                                  const Patch& patch) const;
  void train_step(const SequenceSample& sample);
  std::vector<torch::Tensor> trained() const {
    auto all = generator->parameters();
    for (const auto& parameter : texture->parameters()) all.push_back(parameter);
    return all;
  }
  std::vector<torch::Tensor> judged_parameters() const {
    auto all = image_judge->parameters();
    for (const auto& parameter : video_judge->parameters()) all.push_back(parameter);
    return all;
  }
  void set_rate();
  void report(double seconds_per_step);
  void save();
  void write_samples(const SequenceSample& sample);
};

torch::Tensor GeneratorTrainer::State::image_judge_input(const Painted& p,
                                                         const torch::Tensor& picture,
                                                         const Patch& patch) const {
  return patch.of(torch::cat({upsample_condition(p.condition), picture}, 1));
}

void GeneratorTrainer::State::train_step(const SequenceSample& sample) {
  const auto painted = paint(sample);
  const auto told = [this](const std::string& name, const torch::Tensor& loss) {
    note(name, loss);
  };
  auto loss = objective(painted, step, told);
  if (judged()) {
    // φ of eq. (4): one patch a step for either judge.
    const auto patch = draw_patch(painted.frame, options.gan_patch, options.seed, step, 0);
    const bool video = painted.video_fake.defined() && options.weight_gan_video > 0;
    const auto judge = [&](Discriminator& net, const torch::Tensor& input) {
      const Autocast autocast(device, options.bf16);
      return net->forward(input);
    };
    const auto real_input = image_judge_input(painted, painted.source, patch);
    const auto fake_input = image_judge_input(painted, painted.frame, patch);

    judge_adam->zero_grad();
    auto judge_loss = discriminator_loss(options.gan, judge(image_judge, real_input),
                                         judge(image_judge, fake_input.detach()));
    note("d_image", judge_loss);
    if (video) {
      const auto video_loss =
          discriminator_loss(options.gan, judge(video_judge, patch.of(painted.video_real)),
                             judge(video_judge, patch.of(painted.video_fake).detach()));
      note("d_video", video_loss);
      judge_loss = judge_loss + video_loss;
    }
    judge_loss.backward();
    ranks.average_gradients(judged_parameters());
    judge_adam->step();

    const auto real_maps = [&] {
      const torch::NoGradGuard guard;
      return judge(image_judge, real_input);
    }();
    const auto fake_maps = judge(image_judge, fake_input);
    const auto adversarial = generator_loss(options.gan, fake_maps);
    note("g_image", adversarial);
    loss = loss + options.weight_gan_image * adversarial +
           options.weight_matching * feature_matching_loss(real_maps, fake_maps);
    if (video) {
      const auto video_adversarial =
          generator_loss(options.gan, judge(video_judge, patch.of(painted.video_fake)));
      note("g_video", video_adversarial);
      loss = loss + options.weight_gan_video * video_adversarial;
    }
  }
  generator_adam->zero_grad();
  loss.backward();
  stop = ranks.average_gradients(trained(), interrupted() ? 1.0 : 0.0) > 0;
  const double norm = torch::nn::utils::clip_grad_norm_(trained(), options.clip_gradient);
  if (std::isfinite(norm)) {
    generator_adam->step();
    update_average(*average, *generator, options.average, step);
    update_average(*texture_average, *texture, options.average, step);
  } else {
    log::warning("Step " + std::to_string(step) + ": the gradient is not finite; step left out.");
  }
  note("loss", loss);
  ++summed;
}

void GeneratorTrainer::State::set_rate() {
  const double progress = static_cast<double>(step) / static_cast<double>(options.steps);
  const double cosine = 0.5 * (1.0 + std::cos(M_PI * std::min(1.0, progress)));
  const double warm_up = std::min(1.0, static_cast<double>(step + 1) / 100.0);
  const double rate =
      options.learning_rate * warm_up * (options.final_rate + (1.0 - options.final_rate) * cosine);
  for (auto* adam : {generator_adam.get(), judge_adam.get()}) {
    for (auto& group : adam->param_groups()) {
      static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate);
    }
  }
}

void GeneratorTrainer::State::report(double seconds_per_step) {
  std::vector<double> means;
  for (const char* name : kLosses) {
    const auto found = sums.find(name);
    means.push_back(found == sums.end() ? 0.0 : found->second / static_cast<double>(summed));
  }
  ranks.sum(means);
  const auto seen = std::move(sums);
  sums.clear();
  summed = 0;
  if (!ranks.first()) return;
  std::string line = "step " + std::to_string(step) + "/" + std::to_string(options.steps);
  std::string row = std::to_string(step);
  for (std::size_t i = 0; i < means.size(); ++i) {
    const char* name = kLosses[i];
    char text[64];
    row += ",";
    if (seen.count(name) == 0) continue;
    std::snprintf(text, sizeof text, "%.5f", means[i] / ranks.size());
    row += text;
    line += std::string("  ") + name + " " + text;
  }
  char text[96];
  std::snprintf(text, sizeof text, "  %.2f steps/s  %.0f min left", 1.0 / seconds_per_step,
                static_cast<double>(options.steps - step) * seconds_per_step / 60.0);
  log::info(line + text);
  const bool fresh = !std::filesystem::exists(log_path());
  if (std::FILE* file = std::fopen(log_path().c_str(), "a")) {
    if (fresh) {
      std::fputs("step", file);
      for (const char* name : kLosses) std::fprintf(file, ",%s", name);
      std::fputs("\n", file);
    }
    std::fprintf(file, "%s\n", row.c_str());
    std::fclose(file);
  } else {
    log::warn_once("losses", "Cannot write " + log_path() + "; losses are only printed.");
  }
}

void GeneratorTrainer::State::save() {
  if (!ranks.first()) return;
  TensorMap out;
  put_module(out, "generator.", *generator);
  put_module(out, "average.", *average);
  put_module(out, "texture.", *texture);
  put_module(out, "texture_average.", *texture_average);
  put_module(out, "image_judge.", *image_judge);
  put_module(out, "video_judge.", *video_judge);
  put_adam(out, "adam.generator.", *generator_adam);
  put_adam(out, "adam.judge.", *judge_adam);
  save_safetensors(checkpoint_path(), out, {{"step", std::to_string(step)}});
}

void GeneratorTrainer::State::write_samples(const SequenceSample& sample) {
  const torch::NoGradGuard guard;
  // By the averaged weights, which are what is shipped.
  const auto painted = paint_sample(average, texture_average, sample, image_phase(), options.bf16);
  const auto condition = upsample_condition(painted.condition);
  write_sample_grid(options.output + "/sample-" + std::to_string(step) + ".ppm",
                    {condition.narrow(1, 0, 3), condition.narrow(1, 3, 1).expand({-1, 3, -1, -1}),
                     painted.frame, painted.source});
}

GeneratorTrainer::GeneratorTrainer(const GeneratorOptions& options, const Ranks& ranks)
    : state_(std::make_unique<State>(options, ranks)) {
  auto& s = *state_;
  std::error_code code;
  std::filesystem::create_directories(options.output, code);
  require(!code, ErrorKind::output, "Cannot make " + options.output + ": " + code.message() + ".");
  if (!options.initial.empty()) {
    load_module(*s.generator, options.initial + "/generator.safetensors");
    const auto texture = options.initial + "/texture.safetensors";
    if (options.network.texture.channels > 0 && std::filesystem::exists(texture)) {
      load_module(*s.texture, texture);
    }
  }
  for (torch::nn::Module* module : {static_cast<torch::nn::Module*>(s.generator.get()),
                                    static_cast<torch::nn::Module*>(s.average.get()),
                                    static_cast<torch::nn::Module*>(s.texture.get()),
                                    static_cast<torch::nn::Module*>(s.texture_average.get()),
                                    static_cast<torch::nn::Module*>(s.image_judge.get()),
                                    static_cast<torch::nn::Module*>(s.video_judge.get())}) {
    module->to(s.device);
    to_channels_last(*module);
  }
  update_average(*s.average, *s.generator, 0.0, 0);
  update_average(*s.texture_average, *s.texture, 0.0, 0);
  const auto adam = [&] {
    return torch::optim::AdamOptions(options.learning_rate).betas({options.beta1, options.beta2});
  };
  const auto judges = s.judged_parameters();
  s.generator_adam = std::make_unique<torch::optim::Adam>(s.trained(), adam());
  s.judge_adam = std::make_unique<torch::optim::Adam>(judges, adam());

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

bool GeneratorTrainer::resume() {
  auto& s = *state_;
  const std::string path = s.checkpoint_path();
  if (!std::filesystem::exists(path)) return false;
  Metadata metadata;
  const auto tensors = load_safetensors(path, &metadata);
  take_module(tensors, "generator.", *s.generator, path);
  take_module(tensors, "average.", *s.average, path);
  take_module(tensors, "texture.", *s.texture, path);
  take_module(tensors, "texture_average.", *s.texture_average, path);
  take_module(tensors, "image_judge.", *s.image_judge, path);
  take_module(tensors, "video_judge.", *s.video_judge, path);
  take_adam(tensors, "adam.generator.", *s.generator_adam, path);
  take_adam(tensors, "adam.judge.", *s.judge_adam, path);
  const auto found = metadata.find("step");
  require(found != metadata.end() && !found->second.empty() &&
              found->second.find_first_not_of("0123456789") == std::string::npos &&
              found->second.size() < 16,
          ErrorKind::corrupt, path + " does not say its step; it is no checkpoint of this stage.");
  s.step = std::stoll(found->second);
  if (s.ranks.first()) log::info("Going on from step " + found->second + " of " + path + ".");
  return true;
}

void GeneratorTrainer::export_package(const std::string& folder) const {
  if (!state_->ranks.first()) return;
  const auto write = [&](const torch::nn::Module& module, const std::string& name) {
    TensorMap halves;
    for (const auto& [key, tensor] : state_of(module)) {
      halves[key] = tensor.detach().to(torch::kCPU, torch::kFloat16).contiguous();
    }
    save_safetensors(folder + "/" + name, halves, {{"step", std::to_string(state_->step)}});
  };
  write(*state_->average, "generator.safetensors");
  if (state_->options.network.texture.channels > 0) {
    write(*state_->texture_average, "texture.safetensors");
  }
  const bool has_flow = std::filesystem::exists(folder + "/flow.safetensors");
  write_package_description(folder, std::filesystem::path(folder).filename().string(),
                            state_->options.network, has_flow);
}

void GeneratorTrainer::run() {
  auto& s = *state_;
  const auto& options = s.options;
  const auto batch_of = [&](std::int64_t step) {
    Random random(options.seed + static_cast<std::uint64_t>(step) * 1000003);
    const bool between = static_cast<double>(random.below(1000)) < options.between_share * 1000;
    // In the image phase one sequence gives one picture, so more of them fit into a step.
    const int size = step < options.image_steps ? options.batch * 2 : options.batch;
    std::vector<SequenceSample> samples;
    for (int i = 0; i < size; ++i) {
      const auto seed = random.next();
      if (i % s.ranks.size() == s.ranks.rank()) samples.push_back(s.sampler.draw(seed, between));
    }
    return collate(samples);
  };
  // Workers fill one queue each, and the steps take from them in turn: the order of the samples
  // then does not depend on which worker is faster.
  std::vector<std::unique_ptr<BoundedQueue<SequenceSample>>> queues;
  std::vector<std::thread> workers;
  const std::int64_t first = s.step;
  for (int w = 0; w < options.workers; ++w) {
    queues.push_back(std::make_unique<BoundedQueue<SequenceSample>>(2));
    workers.emplace_back([&, w] {
      at::set_num_threads(1);
      auto& queue = *queues[static_cast<std::size_t>(w)];
      try {
        for (std::int64_t step = first + w; step < options.steps; step += options.workers) {
          if (!queue.push(batch_of(step))) return;
        }
        queue.close();
      } catch (...) {
        queue.fail(std::current_exception());
      }
    });
  }
  const auto stop_workers = [&] {
    for (auto& queue : queues) queue->cancel();
    for (auto& worker : workers) worker.join();
  };
  try {
    auto saved = Clock::now(), reported = Clock::now();
    const auto last =
        options.stop_after > 0 ? std::min(options.stop_after, options.steps) : options.steps;
    while (s.step < last && !s.stop) {
      auto& queue = *queues[static_cast<std::size_t>((s.step - first) % options.workers)];
      const auto sample = to_device(queue.pop().value(), s.device);
      s.set_rate();
      s.train_step(sample);
      ++s.step;
      const auto now = Clock::now();
      if (s.step % options.log_every == 0) {
        s.report(std::chrono::duration<double>(now - reported).count() /
                 static_cast<double>(options.log_every));
        reported = now;
      }
      if (s.step % options.sample_every == 0 && s.ranks.first()) s.write_samples(sample);
      if (std::chrono::duration<double>(now - saved).count() > options.checkpoint_minutes * 60) {
        s.save();
        saved = now;
      }
    }
    s.save();
  } catch (...) {
    stop_workers();
    throw;
  }
  stop_workers();
}

}  // namespace semcodec
