// network_bench: how fast the networks are, alone and with everything around them.
//
//   network_bench                       all parts: milliseconds, frames and Mpixel a second
//   network_bench --part coded frame --layers 15    and where the time goes
//   network_bench --serve DIR           for eager_reference.py: writes inputs, weights and outputs
//                                       to DIR, then runs the part that each line of stdin names
//
// Opens no media and links no libav, so that it runs where there is only PyTorch and a driver.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>

#include "benchmarks/bench_parts.h"
#include "benchmarks/layer_table.h"
#include "benchmarks/roofline.h"
#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "models/core/device.h"

namespace {

using namespace semcodec;

struct Arguments {
  std::string model = "default", network = "package", size = "512x256", device = "cpu", serve;
  std::vector<std::string> parts;
  int threads = 0, runs = 20, layers = 0;
  bool roofline = false;
};

struct Timing {
  double wall = 0;  ///< ms
  double cpu = 0;   ///< ms, of all threads together
};

double process_ms() {
  std::timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

Timing run_once(const BenchPart& part) {
  const double cpu = process_ms();
  const auto begin = std::chrono::steady_clock::now();
  const torch::Tensor result = part.run();
  // Waits until the device has done its work, so that the clock sees it.
  if (!result.is_cpu()) torch::cuda::synchronize(result.device().index());
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  return {took.count(), process_ms() - cpu};
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
  return values[values.size() / 2];
}

void print_part(const BenchPart& part, const Arguments& arguments, double pixels) {
  std::vector<double> wall, cpu;
  // cuDNN and cuBLAS choose their ways in the first runs, and the clocks of a GPU have to rise.
  const int warm_ups = arguments.device == "cpu" ? 2 : 8;
  for (int i = 0; i < arguments.runs + warm_ups; ++i) {
    const Timing timing = run_once(part);
    if (i < warm_ups) continue;
    wall.push_back(timing.wall / part.frames);
    cpu.push_back(timing.cpu / part.frames);
  }
  const double least = *std::min_element(wall.begin(), wall.end());
  const double cpu_least = *std::min_element(cpu.begin(), cpu.end());
  std::printf("  %-18s %-8s %9.2f %9.2f %9.2f %9.1f %9.2f\n", part.name.c_str(),
              part.whole_path ? "path" : "network", median(wall), least, cpu_least, 1e3 / least,
              pixels / 1e3 / least);
  std::fflush(stdout);
  if (arguments.layers > 0) {
    print_layer_table(part.steps ? part.steps : part.run, arguments.runs, arguments.layers);
  }
}

/// Writes what another implementation needs, then runs parts as stdin asks.
void serve(std::vector<BenchPart>& parts, const std::map<std::string, TensorMap>& weights,
           const std::string& folder) {
  for (const auto& [name, tensors] : weights) {
    save_safetensors(folder + "/" + name + ".weights.safetensors", tensors);
  }
  for (const BenchPart& part : parts) {
    if (part.whole_path) continue;
    TensorMap tensors;
    for (const auto& [name, tensor] : part.inputs) tensors["in." + name] = tensor.contiguous();
    part.run();
    tensors["out"] = part.run().to(torch::kFloat32).contiguous();
    save_safetensors(folder + "/" + part.name + ".io.safetensors", tensors);
  }
  std::printf("ready\n");
  std::fflush(stdout);
  for (std::string name; std::getline(std::cin, name);) {
    const auto found = std::find_if(parts.begin(), parts.end(),
                                    [&](const BenchPart& part) { return part.name == name; });
    require(found != parts.end(), ErrorKind::usage, "There is no part '" + name + "'.");
    const Timing timing = run_once(*found);
    std::printf("%.4f %.4f\n", timing.wall, timing.cpu);
    std::fflush(stdout);
  }
}

void bench(const Arguments& arguments) {
  const torch::InferenceMode guard;
  BenchSettings settings;
  settings.model = arguments.model;
  settings.device = parse_device(arguments.device);
  set_threads(arguments.threads);
  const auto size = parse_size(arguments.size);
  settings.width = size.width;
  settings.height = size.height;
  require(size.width % 16 == 0 && size.height % 16 == 0, ErrorKind::usage,
          "--size must be a multiple of 16 both ways.");
  std::map<std::string, TensorMap> weights;
  const bool paper = arguments.network == "paper";
  auto parts = paper ? paper_parts(settings) : bench_parts(settings, &weights);
  if (!arguments.serve.empty()) return serve(parts, weights, arguments.serve);
  std::printf("%s at %dx%d on %s, %d runs\n",
              (paper ? std::string("paper's sizes") : arguments.model).c_str(), size.width,
              size.height, describe(settings.device).c_str(), arguments.runs);
  std::printf("  %-18s %-8s %9s %9s %9s %9s %9s\n", "part", "", "median ms", "least ms", "CPU ms",
              "frames/s", "Mpixel/s");
  const double pixels = static_cast<double>(size.width) * size.height;
  for (const BenchPart& part : parts) {
    const bool wanted = arguments.parts.empty() ||
                        std::find(arguments.parts.begin(), arguments.parts.end(), part.name) !=
                            arguments.parts.end();
    if (wanted) print_part(part, arguments, pixels);
  }
  if (!arguments.roofline) return;
  if (settings.device.is_cuda()) {
    print_cuda_roofline(settings.device, arguments.runs);
  } else {
    print_roofline(size.width, size.height, arguments.runs);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times the networks of encoder and decoder");
  CommonOptions common;
  add_common_options(app, common, version_text("network_bench", {}));
  Arguments a;
  app.add_option("--model", a.model, "Model package")->capture_default_str();
  app.add_option("--network", a.network,
                 "package, or paper: a generator of training/recipes/paper.toml's sizes")
      ->check(CLI::IsMember({"package", "paper"}));
  app.add_option("--size", a.size, "Coded size")->capture_default_str();
  app.add_option("--device", a.device, "auto, cpu or cuda:N")->capture_default_str();
  app.add_option("--threads", a.threads, "Threads; 0 = one a core");
  app.add_option("--runs", a.runs, "Timed runs of each part")->check(CLI::Range(1, 10000));
  app.add_option("--part", a.parts, "Only these parts");
  app.add_option("--layers", a.layers, "Print this many of each part's dearest operators");
  app.add_flag("--roofline", a.roofline, "Compare k-means and warp with the memory's speed");
  app.add_option("--serve", a.serve, "Exchange data through this folder, run what stdin names")
      ->check(CLI::ExistingDirectory);
  return run_main(app, argc, argv, [&] { bench(a); });
}
