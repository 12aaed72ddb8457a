// The convolutions of the receiver's networks, layer by layer and by two CPU backends in one run:
// our kernels on pair planes (models/generator/generator_layers.h) and oneDNN's through torch
// (models/generator/fused_layers.h). ONEDNN_MAX_CPU_ISA and SEMCODEC_CPU choose their instructions.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>

#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "common/core/error.h"
#include "models/core/device.h"
#include "models/generator/engine_access.h"
#include "models/generator/fused_layers.h"
#include "models/generator/layers.h"

namespace {

using namespace semcodec;

/// One or several equal layers of a network. The epilogue is what the network has there: leaky
/// ReLU; of a shuffled layer the enlargement, sum with a skip and leaky ReLU; of a residual block
/// all of it.
struct Work {
  enum class Kind { plain, strided, shuffled, blocks };
  const char* network;
  const char* name;
  Kind kind;
  int in, out;  ///< channels; of a shuffled layer before the shuffle
  int kernel;
  int scale;  ///< of the input: the coded size / this
  int count = 1;
};

using Kind = Work::Kind;

const std::vector<Work>& works() {
  static const std::vector<Work> list = {
      {"interpolator", "motion_in", Kind::plain, 30, 48, 3, 4},
      {"interpolator", "motion_down", Kind::strided, 48, 64, 3, 4},
      {"interpolator", "motion_eighth", Kind::blocks, 64, 64, 3, 8, 2},
      {"interpolator", "motion_up", Kind::shuffled, 64, 192, 1, 8},
      {"interpolator", "motion_out", Kind::plain, 48, 4, 3, 4},
      {"interpolator", "hint", Kind::shuffled, 48, 32, 1, 4},
      {"interpolator", "blend_in", Kind::plain, 32, 24, 3, 2},
      {"interpolator", "blend_down", Kind::strided, 24, 48, 3, 2},
      {"interpolator", "blend_quarter", Kind::blocks, 48, 48, 3, 4},
      {"interpolator", "blend_up", Kind::shuffled, 48, 96, 1, 4},
      {"interpolator", "blend_half, head", Kind::plain, 24, 24, 3, 2, 2},
      {"generator", "condition_in", Kind::plain, 48, 48, 3, 4},
      {"generator", "image_in", Kind::plain, 96, 48, 1, 4},
      {"generator", "condition, image_down", Kind::strided, 48, 128, 3, 4, 2},
      {"generator", "to_bottleneck", Kind::strided, 128, 192, 3, 8},
      {"generator", "from_bottleneck", Kind::shuffled, 192, 512, 1, 16},
      {"generator", "eighth", Kind::blocks, 128, 128, 3, 8, 6},
      {"generator", "to_quarter", Kind::shuffled, 128, 192, 1, 8},
      {"generator", "quarter", Kind::blocks, 48, 48, 3, 4, 4},
      {"generator", "to_half", Kind::shuffled, 48, 128, 1, 4},
      {"generator", "half", Kind::blocks, 32, 32, 3, 2, 2},
      {"generator", "to_full", Kind::plain, 32, 32, 3, 2},
      {"generator", "head", Kind::plain, 8, 6, 3, 1},
      {"restorer", "input_quarter", Kind::plain, 124, 64, 3, 4},
      {"restorer", "down_eighth", Kind::strided, 64, 128, 3, 4},
      {"restorer", "eighth", Kind::blocks, 128, 128, 3, 8, 6},
      {"restorer", "quarter", Kind::blocks, 64, 64, 3, 4, 6},
      {"restorer", "half", Kind::blocks, 32, 32, 3, 2, 2},
  };
  return list;
}

/// The work as a module, whose weights both backends take.
struct Source : torch::nn::Module {
  explicit Source(const Work& w) {
    if (w.kind == Kind::blocks) {
      register_module("layer", residual_stage(w.in, 1));
    } else {
      register_module("layer", conv(w.in, w.out, w.kernel, w.kind == Kind::strided ? 2 : 1));
    }
  }
};

struct Size {
  int width, height;
};

double giga_macs(const Work& w, const Size& size) {
  const double area = static_cast<double>(size.width) * size.height / w.scale / w.scale;
  const double layers = w.kind == Kind::blocks ? 2 : w.kind == Kind::strided ? 0.25 : 1;
  return 1e-9 * layers * w.count * area * w.in * w.out * w.kernel * w.kernel;
}

std::function<void()> by_onednn(const Work& w, const Source& source, const Size& size,
                                torch::Dtype type) {
  const FusedWeights weights(source);
  const auto map = [&](int channels, int scale) {
    return torch::randn({1, channels, size.height / scale, size.width / scale})
        .contiguous(torch::MemoryFormat::ChannelsLast)
        .to(type);
  };
  const auto x = map(w.in, w.scale);
  switch (w.kind) {
    case Kind::blocks:
      return [stage = FusedStage(weights, "layer", 1), maps = ActiveMap{x, leaky(x)}]() mutable {
        stage.run(maps);
      };
    case Kind::shuffled: {
      const auto skip = map(w.out / 4, w.scale / 2);
      return [layer = weights.shuffled("layer"), x, skip] { add_shuffled_active(skip, layer(x)); };
    }
    default:
      return [layer = weights.conv("layer", w.kind == Kind::strided ? 2 : 1), x] {
        layer(x, Activation::leaky_relu);
      };
  }
}

/// Maps of pair planes that a work reads and writes.
struct PairMaps {
  PairMaps(const Work& w, const Size& size)
      : in(w.in, size.width / w.scale, size.height / w.scale),
        phases(2 * w.in, size.width / w.scale / 2, size.height / w.scale / 2, 1),
        out((w.kind == Kind::shuffled ? w.out / 4 : w.out + 1) / 2 * 2, out_of(w, size.width),
            out_of(w, size.height)) {
    // Of the size of features: slow numbers (denormals) or infinities would distort the figures.
    for (auto* planes : {&in.raw, &in.active, &in.inner}) {
      for (int p = 0; p < planes->pair_count; ++p) {
        for (int y = 0; y < planes->height; ++y) {
          std::fill_n(planes->at(p, y), planes->width, 0x3f003f80U);  // 1 and 0.5
        }
      }
    }
  }
  static int out_of(const Work& w, int size) {
    const int scaled = size / w.scale;
    return w.kind == Kind::strided ? scaled / 2 : w.kind == Kind::shuffled ? scaled * 2 : scaled;
  }
  generate::StageMaps in;
  cpu::Planes phases;
  generate::StageMaps out;
};

std::function<void()> by_pairs(const Work& w, const Source& source, const Size& size) {
  const auto& kernels = cpu::generator_kernels();
  const generate::Layout layout{kernels.level, weights_of(source)};
  const auto runner = std::make_shared<generate::Runner>(generate::Runner{kernels, in_threads()});
  const auto maps = std::make_shared<PairMaps>(w, size);
  switch (w.kind) {
    case Kind::blocks:
      return
          [=, stage = layout.stage("layer", w.in, 1)] { runner->residual_blocks(stage, maps->in); };
    case Kind::shuffled:
      return [=, layer = layout.points("layer", w.out, w.in, true)] {
        generate::Target target;
        target.active = &maps->out.active;
        target.residual = &maps->out.raw;
        target.shuffled = true;
        runner->points(maps->in.active, layer, target);
      };
    case Kind::strided:
      return [=, layer = layout.taps("layer", w.out, w.in)] {
        runner->split(maps->in.active, 0, maps->phases);
        const auto steps = generate::steps_of_phases(maps->phases);
        generate::Target target;
        target.active = &maps->out.active;
        runner->convolve({{&maps->phases, &steps, &layer.dot}}, layer.bias, target,
                         maps->phases.width, maps->phases.height);
      };
    case Kind::plain:
      break;
  }
  const auto layer =
      w.kernel == 1 ? layout.points("layer", w.out, w.in) : layout.taps("layer", w.out, w.in);
  return [=, points = w.kernel == 1] {
    generate::Target target;
    target.active = &maps->out.active;
    points ? runner->points(maps->in.active, layer, target)
           : runner->taps(maps->in.active, layer, target);
  };
}

double once(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

struct Arguments {
  std::string size = "512x256", dtype;
  int threads = 1, runs = 30;
};

void bench(const Arguments& arguments) {
  const torch::InferenceMode guard;
  torch::manual_seed(1);
  set_threads(arguments.threads);
  const auto parsed = parse_size(arguments.size);
  const Size size{parsed.width, parsed.height};
  require(size.width % 16 == 0 && size.height % 16 == 0, ErrorKind::usage,
          "--size must be a multiple of 16 both ways.");
  require(have_fused_convolutions(), ErrorKind::unsupported, "This torch has no oneDNN.");
  const auto type = arguments.dtype.empty()     ? inference_dtype(torch::kCPU)
                    : arguments.dtype == "bf16" ? torch::kBFloat16
                                                : torch::kFloat32;
  std::printf("%dx%d, %d threads; least of %d, ms; pair planes %s, oneDNN %s\n", size.width,
              size.height, arguments.threads, arguments.runs, cpu::name_of(cpu::level_in_use()),
              type == torch::kBFloat16 ? "bf16" : "fp32");
  std::printf("  %-13s %-22s %7s %9s %9s %7s %9s\n", "network", "layer", "GMAC", "pairs", "oneDNN",
              "ratio", "GMAC/s");
  std::map<std::string, std::pair<double, double>> totals;
  for (const Work& w : works()) {
    Source source(w);
    const auto pairs_run = by_pairs(w, source, size);
    source.to(type);
    const auto onednn_run = by_onednn(w, source, size, type);
    double least_pairs = 1e9, least_onednn = 1e9;
    for (int i = 0; i < arguments.runs + 2; ++i) {
      least_pairs = std::min(least_pairs, w.count * once(pairs_run));
      least_onednn = std::min(least_onednn, w.count * once(onednn_run));
    }
    const double macs = giga_macs(w, size);
    std::printf("  %-13s %-22s %7.3f %9.2f %9.2f %7.2f %9.0f\n", w.network, w.name, macs,
                least_pairs, least_onednn, least_pairs / least_onednn, 1e3 * macs / least_onednn);
    std::fflush(stdout);
    totals[w.network].first += least_pairs;
    totals[w.network].second += least_onednn;
  }
  for (const auto& [network, total] : totals) {
    std::printf("  %-13s %-22s %7s %9.2f %9.2f %7.2f\n", network.c_str(), "all of these", "",
                total.first, total.second, total.first / total.second);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times convolutions by our kernels and by oneDNN's");
  CommonOptions common;
  add_common_options(app, common, version_text("convolution_bench", {}));
  Arguments a;
  app.add_option("--size", a.size, "Coded size")->capture_default_str();
  app.add_option("--dtype", a.dtype, "oneDNN's type (default: what this CPU does fastest)")
      ->check(CLI::IsMember({"bf16", "fp32"}));
  app.add_option("--threads", a.threads, "Threads; 0 = one a core")->capture_default_str();
  app.add_option("--runs", a.runs, "Timed runs of each layer")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  return run_main(app, argc, argv, [&] { bench(a); });
}
