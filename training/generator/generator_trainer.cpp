#include "training/generator/generator_trainer.h"

#include <ATen/autocast_mode.h>

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
#include "models/generator/conditions.h"
#include "models/generator/flow_geometry.h"
#include "models/core/weights_path.h"
#include "models/lpips/lpips.h"
#include "models/package/model_package.h"
#include "models/vgg/feature_net.h"
#include "training/checkpoint.h"
#include "training/sample_grid.h"

namespace semcodec {

namespace {

using Clock = std::chrono::steady_clock;

/// bf16 for the convolutions and products while it lives.
class Autocast {
 public:
  Autocast(torch::Device device, bool enabled)
      : kind_(device.type()), before_(at::autocast::is_autocast_enabled(kind_)) {
    at::autocast::set_autocast_enabled(kind_, enabled);
    at::autocast::set_autocast_dtype(kind_, torch::kBFloat16);
  }
  ~Autocast() {
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(kind_, before_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType kind_;
  bool before_;
};

/// What one step produced, batched over frames: first y0, then y1, then y2.
struct Painted {
  torch::Tensor frame, raw, source, condition;
  torch::Tensor video_real, video_fake;  ///< inputs of D_V; undefined in the image phase
};

/// Before the first network: the device, the threads, and the seed of the initial weights.
torch::Device prepare_torch(const GeneratorOptions& options) {
  const auto device = parse_device(options.device);
  set_threads(options.threads);
  torch::manual_seed(options.seed);
  return device;
}

torch::Tensor upsample_condition(const torch::Tensor& condition) {
  return torch::upsample_nearest2d(condition,
                                   {condition.size(2) * 2, condition.size(3) * 2});
}

}  // namespace

struct GeneratorTrainer::State {
  explicit State(const GeneratorOptions& o)
      : options(o),
        device(prepare_torch(o)),
        generator(o.network),
        average(o.network),
        image_judge(DiscriminatorConfig{3 + GeneratorConfig::kConditionChannels,
                                        o.discriminator_channels, 3, 2}),
        video_judge(DiscriminatorConfig{13, o.discriminator_channels, 3, 2}),
        sampler(o.data, o.sampler),
        lpips(Lpips::find(device)),
        features(find_feature_net()) {}

  GeneratorOptions options;
  torch::Device device;
  Generator generator, average;
  Discriminator image_judge, video_judge;
  SequenceSampler sampler;
  std::optional<Lpips> lpips;
  std::unique_ptr<FeatureNet> features;
  std::unique_ptr<torch::optim::Adam> generator_adam, judge_adam;
  std::int64_t step = 0;
  std::map<std::string, double> sums;  ///< losses since the last log line
  std::int64_t summed = 0;

  std::string checkpoint_path() const { return options.output + "/checkpoint.safetensors"; }
  std::string log_path() const { return options.output + "/losses.csv"; }

  void note(const std::string& name, const torch::Tensor& loss) {
    sums[name] += loss.detach().item<double>();
  }
  bool image_phase() const { return step < options.image_steps; }
  bool judged() const { return step >= options.gan_start; }

  Painted paint(const SequenceSample& sample);
  torch::Tensor reconstruction(const Painted& painted);
  torch::Tensor image_judge_input(const Painted& painted, const torch::Tensor& picture, int64_t x,
                                  int64_t y) const;
  void train_step(const SequenceSample& sample);
  void set_rate();
  void report(double seconds_per_step);
  void save();
  void write_samples(const SequenceSample& sample);
};

Painted GeneratorTrainer::State::paint(const SequenceSample& s) {
  Painted out;
  const auto one = [&](const FrameContext& context) {
    const Autocast autocast(device, options.bf16);
    return generator->forward(context);
  };
  const auto y0 = one(image_context(s.conditions[0], s.planes));
  if (image_phase()) {
    out.frame = y0.frame;
    out.raw = y0.raw;
    out.source = s.pictures[0];
    out.condition = s.conditions[0];
    return out;
  }
  const AnchorState a0{s.conditions[0], y0.frame.detach().clamp(0, 1)};
  const auto y1 =
      one(anchor_context(s.conditions[1], s.planes, a0, s.flow_10, s.interval));
  const AnchorState a1{s.conditions[1], y1.frame.detach().clamp(0, 1)};
  FrameContext context;
  std::pair<torch::Tensor, torch::Tensor> flows;
  if (s.between) {
    flows = semcodec::between(s.flow_10, s.flow_01, s.third);
    context = between_context(a0, a1, s.planes, flows.first, flows.second, s.third, s.interval);
  } else {
    flows = {s.flow_21, compose(s.flow_21, s.flow_10)};
    context = anchor_context(s.conditions[2], s.planes, a1, flows.first, s.third, &a0,
                             flows.second, s.third + s.interval);
  }
  const auto y2 = one(context);
  out.frame = torch::cat({y0.frame, y1.frame, y2.frame}, 0);
  out.raw = torch::cat({y0.raw, y1.raw, y2.raw}, 0);
  out.source = torch::cat({s.pictures[0], s.pictures[1], s.pictures[2]}, 0);
  out.condition = torch::cat({s.conditions[0], s.conditions[1], context.condition}, 0);
  // Three frames in the order of time and the flows of the third moment, a twentieth of a pixel.
  const auto size = std::vector<int64_t>{s.pictures[0].size(2), s.pictures[0].size(3)};
  const auto flow_maps =
      torch::upsample_bilinear2d(torch::cat({flows.first, flows.second}, 1), size, false) / 20.0;
  const auto clip = [&](const torch::Tensor& f0, const torch::Tensor& f1, const torch::Tensor& f2) {
    return s.between ? torch::cat({f0, f2, f1, flow_maps}, 1)
                     : torch::cat({f0, f1, f2, flow_maps}, 1);
  };
  out.video_real = clip(s.pictures[0], s.pictures[1], s.pictures[2]);
  out.video_fake = clip(y0.frame, y1.frame, y2.frame);
  return out;
}

torch::Tensor GeneratorTrainer::State::reconstruction(const Painted& p) {
  const auto l1 = torch::l1_loss(p.frame, p.source);
  note("l1", l1);
  auto loss = options.weight_l1 * l1;
  if (options.weight_raw > 0) loss = loss + options.weight_raw * torch::l1_loss(p.raw, p.source);
  const Autocast autocast(device, options.bf16);
  if (lpips && options.weight_lpips > 0) {
    const auto distance = lpips->forward(p.frame, p.source).mean();
    note("lpips", distance);
    loss = loss + options.weight_lpips * distance;
  }
  if (features && options.weight_vgg > 0) {
    const auto distance = perceptual_l1(*features, p.frame, p.source);
    note("vgg", distance);
    loss = loss + options.weight_vgg * distance;
  }
  return loss;
}

torch::Tensor GeneratorTrainer::State::image_judge_input(const Painted& p,
                                                         const torch::Tensor& picture, int64_t x,
                                                         int64_t y) const {
  const auto both = torch::cat({upsample_condition(p.condition), picture}, 1);
  const int64_t side = std::min<int64_t>(options.gan_patch, picture.size(2));
  return both.narrow(2, y, side).narrow(3, x, side);
}

void GeneratorTrainer::State::train_step(const SequenceSample& sample) {
  const auto painted = paint(sample);
  auto loss = reconstruction(painted);
  if (judged()) {
    // φ of eq. (4): one patch position a step, drawn from the step so that a resumed run repeats it.
    Random random(options.seed * 7919 + static_cast<std::uint64_t>(step));
    const auto range = static_cast<std::uint64_t>(
        std::max<int64_t>(1, painted.frame.size(2) - options.gan_patch + 1));
    const auto x = static_cast<int64_t>(random.below(range)),
               y = static_cast<int64_t>(random.below(range));
    const bool video = painted.video_fake.defined() && options.weight_gan_video > 0;
    const auto judge = [&](Discriminator& net, const torch::Tensor& input) {
      const Autocast autocast(device, options.bf16);
      return net->forward(input);
    };
    const auto real_input = image_judge_input(painted, painted.source, x, y);
    const auto fake_input = image_judge_input(painted, painted.frame, x, y);

    judge_adam->zero_grad();
    auto judge_loss = discriminator_loss(options.gan, judge(image_judge, real_input),
                                         judge(image_judge, fake_input.detach()));
    note("d_image", judge_loss);
    if (video) {
      const auto video_loss =
          discriminator_loss(options.gan, judge(video_judge, painted.video_real),
                             judge(video_judge, painted.video_fake.detach()));
      note("d_video", video_loss);
      judge_loss = judge_loss + video_loss;
    }
    judge_loss.backward();
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
          generator_loss(options.gan, judge(video_judge, painted.video_fake));
      note("g_video", video_adversarial);
      loss = loss + options.weight_gan_video * video_adversarial;
    }
  }
  generator_adam->zero_grad();
  loss.backward();
  const double norm =
      torch::nn::utils::clip_grad_norm_(generator->parameters(), options.clip_gradient);
  if (std::isfinite(norm)) {
    generator_adam->step();
    update_average(*average, *generator, options.average, step);
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
  const double rate = options.learning_rate * warm_up *
                      (options.final_rate + (1.0 - options.final_rate) * cosine);
  for (auto* adam : {generator_adam.get(), judge_adam.get()}) {
    for (auto& group : adam->param_groups()) {
      static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate);
    }
  }
}

void GeneratorTrainer::State::report(double seconds_per_step) {
  std::string line = "step " + std::to_string(step) + "/" + std::to_string(options.steps);
  std::string row = std::to_string(step);
  for (const char* name : {"loss", "l1", "lpips", "vgg", "d_image", "g_image", "d_video", "g_video"}) {
    char text[64];
    const auto found = sums.find(name);
    row += ",";
    if (found == sums.end()) continue;
    std::snprintf(text, sizeof text, "%.5f", found->second / static_cast<double>(summed));
    row += text;
    line += std::string("  ") + name + " " + text;
  }
  char text[96];
  std::snprintf(text, sizeof text, "  %.2f steps/s  %.0f min left", 1.0 / seconds_per_step,
                static_cast<double>(options.steps - step) * seconds_per_step / 60.0);
  log::info(line + text);
  const bool fresh = !std::filesystem::exists(log_path());
  if (std::FILE* file = std::fopen(log_path().c_str(), "a")) {
    if (fresh) std::fputs("step,loss,l1,lpips,vgg,d_image,g_image,d_video,g_video\n", file);
    std::fprintf(file, "%s\n", row.c_str());
    std::fclose(file);
  } else {
    log::warn_once("losses", "Cannot write " + log_path() + "; losses are only printed.");
  }
  sums.clear();
  summed = 0;
}

void GeneratorTrainer::State::save() {
  TensorMap out;
  put_module(out, "generator.", *generator);
  put_module(out, "average.", *average);
  put_module(out, "image_judge.", *image_judge);
  put_module(out, "video_judge.", *video_judge);
  put_adam(out, "adam.generator.", *generator_adam);
  put_adam(out, "adam.judge.", *judge_adam);
  save_safetensors(checkpoint_path(), out, {{"step", std::to_string(step)}});
}

void GeneratorTrainer::State::write_samples(const SequenceSample& sample) {
  const torch::NoGradGuard guard;
  const auto painted = paint(sample);
  const auto condition = upsample_condition(painted.condition);
  write_sample_grid(options.output + "/sample-" + std::to_string(step) + ".ppm",
                    {condition.narrow(1, 0, 3), condition.narrow(1, 3, 1).expand({-1, 3, -1, -1}),
                     painted.raw, painted.frame, painted.source});
}

GeneratorTrainer::GeneratorTrainer(const GeneratorOptions& options)
    : state_(std::make_unique<State>(options)) {
  auto& s = *state_;
  std::error_code code;
  std::filesystem::create_directories(options.output, code);
  require(!code, ErrorKind::output, "Cannot make " + options.output + ": " + code.message() + ".");
  if (!options.initial.empty()) load_module(*s.generator, options.initial);
  s.generator->to(s.device);
  s.average->to(s.device);
  s.image_judge->to(s.device);
  s.video_judge->to(s.device);
  to_channels_last(*s.generator);
  to_channels_last(*s.average);
  to_channels_last(*s.image_judge);
  to_channels_last(*s.video_judge);
  update_average(*s.average, *s.generator, 0.0, 0);
  if (s.features) s.features->to(s.device);
  const auto adam = [&] {
    return torch::optim::AdamOptions(options.learning_rate)
        .betas({options.beta1, options.beta2});
  };
  auto judges = s.image_judge->parameters();
  for (const auto& parameter : s.video_judge->parameters()) judges.push_back(parameter);
  s.generator_adam = std::make_unique<torch::optim::Adam>(s.generator->parameters(), adam());
  s.judge_adam = std::make_unique<torch::optim::Adam>(judges, adam());

  std::int64_t count = 0;
  for (const auto& parameter : s.generator->parameters()) count += parameter.numel();
  log::info("Generator of " + std::to_string(count) + " parameters on " + describe(s.device) +
            "; " + std::to_string(s.sampler.clips()) + " clips, " +
            std::to_string(s.sampler.frames()) + " frames.");
  log::info(std::string("Perceptual losses: ") +
            (s.lpips ? "LPIPS (squeeze)" : "no LPIPS, " + missing_weights("squeezenet1_1")) + ", " +
            (s.features ? s.features->name() : "no VGG features") + ".");
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
  log::info("Going on from step " + found->second + " of " + path + ".");
  return true;
}

void GeneratorTrainer::export_package(const std::string& folder) const {
  TensorMap halves;
  for (const auto& [name, tensor] : state_of(*state_->average)) {
    halves[name] = tensor.detach().to(torch::kCPU, torch::kFloat16).contiguous();
  }
  save_safetensors(folder + "/generator.safetensors", halves,
                   {{"step", std::to_string(state_->step)}});
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
    for (int i = 0; i < size; ++i) samples.push_back(s.sampler.draw(random.next(), between));
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
    const auto last = options.stop_after > 0 ? std::min(options.stop_after, options.steps)
                                             : options.steps;
    while (s.step < last && !interrupted()) {
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
      if (s.step % options.sample_every == 0) s.write_samples(sample);
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
