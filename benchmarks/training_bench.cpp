// training_bench: how fast the generator stage trains, and how much memory it takes.
//
//   training_bench CONFIG                       steps a second on two fixed batches
//   training_bench CONFIG --layers 20           and where the time goes
//   training_bench CONFIG --memory 512x256      memory of a step on frames of that size
//   training_bench CONFIG --serve DIR           for eager_training.py: writes settings, weights and
//                                               batches to DIR, then makes a step on the batch that
//                                               each line of stdin names
//
// All terms of the objective take part from the first step on. Batches are made before the clock
// starts. Opens no media and links no libav.

#include <unistd.h>
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "benchmarks/layer_table.h"
#include "benchmarks/memory_meter.h"
#include "benchmarks/scratch_folder.h"
#include "benchmarks/training_batch.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "models/core/device.h"
#include "models/core/safetensors.h"
#include "models/core/weights_path.h"
#include "models/flownet2/flow_estimator.h"
#include "models/vgg/feature_net.h"
#include "training/flow/flow_options.h"
#include "training/generator/generator_task.h"
#include "training/trainer/trainer.h"

namespace {

using namespace semcodec;
namespace fs = std::filesystem;

struct Arguments {
  std::string config = "training/recipes/driving-lite.toml", serve, memory;
  std::vector<std::string> overrides;
  int threads = 0, steps = 10, layers = 0;
  double card = 24;
};

double process_ms() {
  std::timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

GeneratorOptions bench_options(const Arguments& a, const std::string& folder) {
  auto overrides = a.overrides;
  overrides.push_back("data=" + folder + "/store");
  overrides.push_back("output=" + folder);
  auto options = read_generator_options(Config(a.config, overrides));
  options.image_steps = options.gan_start = 0;  // everything at once
  options.threads = a.threads;
  options.retry.retries = 0;
  write_bench_store(options.data, options.sampler.crop);
  return options;
}

/// What eager_training.py needs to do the same.
void write_settings(const GeneratorOptions& o, const std::string& folder) {
  const double discriminator_rate =
      o.discriminator_learning_rate > 0 ? o.discriminator_learning_rate : o.learning_rate;
  nlohmann::json s = {{"steps", o.steps},
                      {"learning_rate", o.learning_rate},
                      {"final_rate", o.final_rate},
                      {"beta1", o.beta1},
                      {"beta2", o.beta2},
                      {"clip_gradient", o.clip_gradient},
                      {"ema", o.ema},
                      {"weight_l1", o.weight_l1},
                      {"weight_raw", o.weight_raw},
                      {"weight_warp", o.weight_warp},
                      {"weight_texture_rate", o.weight_texture_rate},
                      {"weight_lpips", o.weight_lpips},
                      {"weight_vgg", o.weight_vgg},
                      {"weight_spectrum", o.weight_spectrum},
                      {"discriminator_learning_rate", discriminator_rate},
                      {"vgg_patch", o.vgg_patch},
                      {"weight_gan_image", o.weight_gan_image},
                      {"weight_gan_video", o.weight_gan_video},
                      {"weight_matching", o.weight_matching},
                      {"gan_patch", o.gan_patch},
                      {"seed", o.seed},
                      {"discriminator_channels", o.discriminator_channels},
                      {"bf16", o.bf16}};
  const auto& n = o.network;
  s["network"] = {{"channels_half", n.channels_half},
                  {"channels_quarter", n.channels_quarter},
                  {"channels_eighth", n.channels_eighth},
                  {"channels_bottleneck", n.channels_bottleneck},
                  {"blocks_half", n.blocks_half},
                  {"blocks_quarter", n.blocks_quarter},
                  {"blocks_eighth", n.blocks_eighth},
                  {"transformer_blocks", n.transformer_blocks},
                  {"heads", n.heads},
                  {"mlp_ratio", n.mlp_ratio},
                  {"noise", n.noise},
                  {"interpolator_motion", n.between.channels_motion},
                  {"interpolator_half", n.between.channels_half},
                  {"interpolator_quarter", n.between.channels_quarter},
                  {"texture_channels", n.texture.channels},
                  {"texture_levels", n.texture.levels},
                  {"texture_width", n.texture.width}};
  const auto give = [&](const std::string& kind) {
    const auto path = find_weights(kind);
    require(path.has_value(), ErrorKind::input,
            "For a comparison: " + missing_weights(kind) + ", or set its weight to 0.");
    save_safetensors(folder + "/" + kind + ".safetensors", load_safetensors(*path));
  };
  if (o.weight_lpips > 0) {
    give("squeezenet1_1");
    give("lpips-squeeze");
  }
  if (o.weight_vgg > 0) {
    const auto net = find_feature_net();
    s["features"] = net ? net->name() : "vgg19";
    s["feature_weights"] = net ? net->tap_weights() : std::vector<double>();
    give(s["features"]);
  }
  std::ofstream(folder + "/settings.json") << s.dump(1) << "\n";
}

void write_batch(const SequenceSample& s, const std::string& path) {
  TensorMap out = {{"planes", s.planes},   {"key", s.key},           {"has_key", s.has_key},
                   {"flow_10", s.flow_10}, {"interval", s.interval}, {"third", s.third}};
  for (std::size_t i = 0; i < 3; ++i) {
    out["picture" + std::to_string(i)] = s.pictures[i];
    if (s.conditions[i].defined()) out["condition" + std::to_string(i)] = s.conditions[i];
  }
  if (s.between) out["flow_01"] = s.flow_01;
  if (!s.between) out["flow_21"] = s.flow_21;
  for (auto& [name, tensor] : out) tensor = tensor.contiguous();
  save_safetensors(path, out);
}

struct Step {
  double wall = 0, cpu = 0;  ///< ms
  std::map<std::string, double> losses;
};

Step make_step(Trainer& trainer, const SequenceSample& batch) {
  const double cpu = process_ms();
  const auto begin = std::chrono::steady_clock::now();
  Step step;
  step.losses = trainer.step_on(batch);  // the losses come from the device, so the clock waits
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  step.wall = took.count();
  step.cpu = process_ms() - cpu;
  return step;
}

void serve(Trainer& trainer, const GeneratorOptions& options, const SequenceSample& between,
           const SequenceSample& chain, const std::string& folder) {
  require(options.flow.empty(), ErrorKind::usage,
          "eager_training.py knows no FlowNet2; leave generator.flow out.");
  write_settings(options, folder);
  write_batch(between, folder + "/between.safetensors");
  write_batch(chain, folder + "/chain.safetensors");
  trainer.save();
  std::printf("ready\n");
  std::fflush(stdout);
  for (std::string name; std::getline(std::cin, name);) {
    require(name == "between" || name == "chain", ErrorKind::usage, "No batch '" + name + "'.");
    const auto step = make_step(trainer, name == "chain" ? chain : between);
    const nlohmann::json answer = {{"wall", step.wall}, {"cpu", step.cpu}, {"losses", step.losses}};
    std::printf("%s\n", answer.dump().c_str());
    std::fflush(stdout);
  }
}

void time_steps(Trainer& trainer, const GeneratorOptions& options, const Arguments& a,
                const SequenceSample& between, const SequenceSample& chain) {
  for (const auto* batch : {&between, &chain}) {
    make_step(trainer, *batch);
    std::vector<double> wall, cpu;
    for (int i = 0; i < a.steps; ++i) {
      const auto step = make_step(trainer, *batch);
      wall.push_back(step.wall);
      cpu.push_back(step.cpu);
    }
    std::sort(wall.begin(), wall.end());
    std::sort(cpu.begin(), cpu.end());
    const auto middle = wall.size() / 2;
    std::printf("%-8s batch %d, crop %d: %.0f ms a step (least %.0f, CPU %.0f), %.2f steps/s\n",
                batch == &chain ? "chain" : "between", options.batch, options.sampler.crop,
                wall[middle], wall.front(), cpu[middle], 1e3 / wall[middle]);
    std::fflush(stdout);
    const auto work = [&] {
      trainer.step_on(*batch);
      return torch::Tensor();
    };
    if (a.layers > 0) print_layer_table(work, a.steps, a.layers);
  }
}

/// A flow network of the configuration's size. Its weights are those of torch's start: only their
/// number matters.
std::string write_flow_network(const Config& config, const std::string& folder) {
  FlowOptions flow;
  table_of(flow).read(config);
  const std::string path = folder + "/flow.safetensors";
  save_safetensors(path, state_of(*FlowNet2(flow.net)), flow_metadata(flow.net, flow.input_scale));
  return path;
}

void print_memory(const Arguments& a, const std::string& folder) {
  const auto size = parse_size(a.memory);
  require(size.width % 32 == 0 && size.height % 32 == 0, ErrorKind::usage,
          "--memory takes a size of multiples of 32.");
  auto options = bench_options(a, folder);
  options.device = "cpu";
  const Config config(a.config, a.overrides);
  const int ranks = config.get("ranks", 1);
  if (options.weight_flow > 0 && config.get("flow.use", std::string()) != "none") {
    options.flow = write_flow_network(config, folder);
  }
  const int batch = std::max(1, options.batch / ranks);
  start_memory_meter();
  const Ranks alone;
  options.batch = batch;
  GeneratorTask task(options, alone);
  Trainer trainer(task);
  const double giga = 1024.0 * 1024 * 1024;
  const auto networks = memory_now();
  const auto between = random_batch(batch, size.width, size.height, true);
  const auto chain = random_batch(batch, size.width, size.height, false);
  const auto batches = memory_now() - networks;
  trainer.step_on(between);
  const auto held = memory_now() - batches - networks;
  std::int64_t most = 0;
  for (const auto* sample : {&between, &chain}) {
    take_memory_peak();
    trainer.step_on(*sample);
    const auto peak = take_memory_peak();
    std::printf("%-8s at most %6.2f GiB\n", sample == &chain ? "chain" : "between",
                static_cast<double>(peak - batches / 2) / giga);
    most = std::max(most, peak - batches / 2);
  }
  const auto row = [&](const char* name, std::int64_t bytes) {
    std::printf("  %-62s %6.2f GiB\n", name, static_cast<double>(bytes) / giga);
  };
  std::printf("%s on frames of %dx%d, %d sequences of three frames a rank in %d part(s):\n",
              a.config.c_str(), size.width, size.height, batch,
              std::min(options.accumulate, batch));
  row("networks, their averages, discriminators, loss networks", networks);
  row("gradients and Adam's moments", held);
  row("the batch", batches / 2);
  row("activations and what the backward pass needs, at most",
      most - networks - held - batches / 2);
  row("sum", most);
  std::printf("A card of %.0f GiB is %s, with 1 GiB for the driver and cuDNN.\n", a.card,
              static_cast<double>(most) / giga + 1 < a.card ? "enough" : "not enough");
}

void bench(const Arguments& a) {
  ScratchFolder scratch;
  if (!a.memory.empty()) return print_memory(a, scratch.path());
  const std::string folder = a.serve.empty() ? scratch.path() : a.serve;
  const auto options = bench_options(a, folder);
  const Ranks alone;
  GeneratorTask task(options, alone);
  Trainer trainer(task);
  const auto device = parse_device(options.device);
  const auto between = to_device(bench_batch(options, true), device);
  const auto chain = to_device(bench_batch(options, false), device);
  if (!a.serve.empty()) return serve(trainer, options, between, chain, folder);
  time_steps(trainer, options, a, between, chain);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times the training of the generator and says how much memory it takes");
  CommonOptions common;
  add_common_options(app, common, version_text("training_bench", {}));
  Arguments a;
  app.add_option("CONFIG", a.config, "TOML file")->capture_default_str()->check(CLI::ExistingFile);
  app.add_option("--set", a.overrides, "key=value, over the file's");
  app.add_option("--threads", a.threads, "Threads; 0 = one a core");
  app.add_option("--steps", a.steps, "Timed steps of each batch")->check(CLI::Range(1, 10000));
  app.add_option("--layers", a.layers, "Print this many of the dearest operators");
  app.add_option("--memory", a.memory, "Print the memory of a step on frames of this size");
  app.add_option("--card", a.card, "Memory of the GPU in mind, GiB")->capture_default_str();
  app.add_option("--serve", a.serve, "Exchange data through this folder, make steps on request")
      ->check(CLI::ExistingDirectory);
  return run_main(app, argc, argv, [&] { bench(a); });
}
