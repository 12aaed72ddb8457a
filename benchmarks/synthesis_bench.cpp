// What a painted frame costs: the generator, the warps, the flow between anchors.
//
//   synthesis_bench [--model DIR|NAME] [--size WxH] [--device D] [--threads N] [--runs N]
//
// Times are medians over the runs, networks in the number format that the decoder uses, pictures of
// noise (the arithmetic does not depend on them). No media and no entropy decoding are included.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "common/app/run_main.h"
#include "common/app/units.h"
#include "common/app/version.h"
#include "decoder/synthesis/flow_refiner.h"
#include "models/core/device.h"
#include "models/generator/conditions.h"
#include "models/generator/flow_geometry.h"
#include "models/kernels/paint_frame.h"
#include "models/package/model_package.h"

namespace {

using namespace semcodec;

struct Arguments {
  std::string model = "default", size = "512x256", device = "cpu";
  int threads = 0, runs = 20;
};

/// Waits until the device has done its work, so that the clock sees it.
void synchronise(const torch::Tensor& result) {
  if (!result.is_cpu()) result.flatten()[0].item<double>();
}

template <typename Work>
double median_ms(int runs, Work work) {
  std::vector<double> times;
  for (int i = 0; i < runs + 2; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    synchronise(work());
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    if (i >= 2) times.push_back(took.count());  // two warm-ups
  }
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return times[static_cast<std::size_t>(runs / 2)];
}

void bench(const Arguments& arguments) {
  const torch::InferenceMode guard;
  const auto device = parse_device(arguments.device);
  set_threads(arguments.threads);
  const auto size = parse_size(arguments.size);
  const int w = size.width, h = size.height;
  const auto package = open_package(arguments.model);
  const auto dtype = inference_dtype(device);
  auto generator = load_generator(package, device, dtype);
  FlowRefiner refiner(package.refine_flow ? std::optional(package.flow_path()) : std::nullopt,
                      device, dtype);
  const auto options = torch::TensorOptions().device(device);
  const int channels = package.config.texture.channels;
  AnchorInput input;
  input.condition = torch::rand({1, 4, h / 2, w / 2}, options);
  input.planes = plane_scalars(8, 4, 16, 1.0).to(device);
  if (channels > 0) input.texture = torch::zeros({1, channels, h / 16, w / 16}, options);
  const AnchorState a{input.condition, torch::rand({1, 3, h, w}, options)};
  const AnchorState b{input.condition.flip(3), torch::rand({1, 3, h, w}, options)};
  const auto flow = torch::randn({1, 2, h / kFlowScale, w / kFlowScale}, options) * 4;
  const auto tau = torch::full({1}, 0.4, options), interval = torch::full({1}, 0.4, options);

  const double image =
      median_ms(arguments.runs, [&] { return generator->forward(image_context(input)).frame; });
  const double anchor = median_ms(arguments.runs, [&] {
    return generator->forward(anchor_context(input, a, flow, interval, &b, flow, interval)).frame;
  });
  const double splat = median_ms(arguments.runs, [&] { return between(flow, -flow, tau).first; });
  BetweenContext between_anchors;
  between_anchors.picture_a = a.picture;
  between_anchors.picture_b = b.picture;
  between_anchors.small_a = small_picture(a.picture);
  between_anchors.small_b = small_picture(b.picture);
  if (device.is_cpu()) {
    between_anchors.pixels_a = to_pixels(a.picture);
    between_anchors.pixels_b = to_pixels(b.picture);
  }
  between_anchors.tau = tau;
  between_anchors.interval = interval;
  const double frame = median_ms(arguments.runs, [&] {
    std::tie(between_anchors.flow_a, between_anchors.flow_b) = between(flow, -flow, tau);
    return generator->interpolator()->paint_bytes(between_anchors);
  });
  const double refine =
      median_ms(arguments.runs, [&] { return refiner.refine(a.picture, b.picture, flow).first; });
  std::printf("%s at %dx%d on %s, medians of %d runs:\n", package.name.c_str(), w, h,
              describe(device).c_str(), arguments.runs);
  const auto row = [](const char* name, double ms) { std::printf("  %-34s %8.2f ms\n", name, ms); };
  row("an anchor without references", image);
  row("an anchor with two references", anchor);
  row("motion between anchors (splat)", splat);
  row("a frame between anchors, to bytes", frame);
  row("flow refinement, both ways, a pair", refine);
  std::printf("  %-34s %8.1f frames/s, %.1f Mpixel/s\n", "frames between anchors", 1000.0 / frame,
              w * h / 1000.0 / frame);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times the receiver's networks");
  CommonOptions common;
  add_common_options(app, common, version_text("synthesis_bench", {}));
  Arguments a;
  app.add_option("--model", a.model, "Model package")->capture_default_str();
  app.add_option("--size", a.size, "Working size")->capture_default_str();
  app.add_option("--device", a.device, "auto, cpu or cuda:N")->capture_default_str();
  app.add_option("--threads", a.threads, "Threads; 0 = one a core");
  app.add_option("--runs", a.runs, "Timed runs of each part")->check(CLI::Range(1, 10000));
  return run_main(app, argc, argv, [&] { bench(a); });
}
