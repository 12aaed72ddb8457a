#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/roofline.h"
#include "benchmarks/roofline_points.h"
#include "models/core/device.h"
#include "models/kernels/channel_norm.h"
#include "models/kernels/correlation.h"
#include "models/kernels/resample.h"

#ifdef SEMCODEC_HAVE_CUDA
#include "encoder/analysis/cuda/kmeans_cuda.h"
#include "encoder/analysis/cuda/structure_cuda.h"
#endif

namespace semcodec {
namespace {

// Several times the second-level cache of any GPU at hand (50 MB on H100), so that memory is
// measured.
constexpr int kBatch = 2, kHeight = 2160, kWidth = 3840;
constexpr double kPixels = static_cast<double>(kBatch * kHeight * kWidth);
constexpr std::size_t kPoints = std::size_t{1} << 24;

/// Seconds of one `work`, of so many in a row that the host's part hides behind the device's. The
/// best of three rows.
double device_seconds(int runs, const std::function<void()>& work) {
  for (int i = 0; i < 5; ++i) work();
  double least = 1e30;
  for (int row = 0; row < 3; ++row) {
    torch::cuda::synchronize();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < runs; ++i) work();
    torch::cuda::synchronize();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    least = std::min(least, took.count() / runs);
  }
  return least;
}

/// `least`: seconds that the device's ceilings leave for it, where not those of memory alone.
void line(const std::string& name, double bytes, double seconds, double memory, double least = 0) {
  const double share = std::max(bytes / memory, least) / seconds;
  std::printf("  %-44s %8.3f ms %8.1f GB/s  %5.1f%% of a copy's  %5.1f%% of the roofline\n",
              name.c_str(), seconds * 1e3, bytes / seconds * 1e-9, 100 * bytes / seconds / memory,
              100 * share);
}

/// Motion as videos have it: smooth, some ten pixels.
torch::Tensor smooth_flow(torch::Device device) {
  const auto coarse = torch::randn({kBatch, 2, kHeight / 120, kWidth / 120}, device) * 8;
  return torch::upsample_bilinear2d(coarse, {kHeight, kWidth}, false).contiguous();
}

void print_correlation(torch::Device device, int runs, double memory) {
  // FlowNetC's layer for a picture of 2048x1024: 21 x 21 displacements of 256 channels.
  const std::int64_t channels = 256, height = 128, width = 256, cells = 441;
  const int size = 4096;
  for (const auto type : {torch::kFloat, torch::kHalf}) {
    const auto options = torch::dtype(type).device(device);
    const std::string name = type == torch::kFloat ? "fp32" : "fp16";
    const auto left = torch::randn({size, size}, options),
               right = torch::randn({size, size}, options);
    const double product = device_seconds(runs, [&] { torch::mm(left, right); });
    const double rate = 2.0 * size * size * size / product;
    std::printf("  %-44s %8.3f ms %8.1f TFLOP/s\n",
                ("matrix product of torch, " + name + ": a ceiling").c_str(), product * 1e3,
                rate * 1e-12);
    const auto make = [&] {
      return torch::randn({1, channels, height, width}, options)
          .contiguous(torch::MemoryFormat::ChannelsLast);
    };
    const auto a = make(), b = make();
    const double seconds = device_seconds(runs, [&] { correlation(a, b, 20, 2); });
    const double bytes = static_cast<double>((2 * channels + cells) * height * width) *
                         static_cast<double>(a.element_size());
    const double operations = 2.0 * static_cast<double>(channels * cells * height * width);
    line("correlation, " + name, bytes, seconds, memory, operations / rate);
    std::printf("  %-44s %11s %8.1f TFLOP/s, %.1f%% of the product's\n", "", "",
                operations / seconds * 1e-12, 100 * operations / seconds / rate);
  }
}

void print_analysis([[maybe_unused]] torch::Device device, [[maybe_unused]] int runs,
                    [[maybe_unused]] double memory) {
#ifdef SEMCODEC_HAVE_CUDA
  const PointSet points = roofline_points(kPoints);
  const double rate = cuda::kmeans_comparisons_per_second(runs);
  std::printf("  %-44s %11s %8.1f G/s\n", "distances compared in registers: a ceiling", "",
              rate * 1e-9);
  for (const int clusters : {2, 8, 16, 32}) {
    const double seconds =
        cuda::kmeans_assignment_seconds(points, roofline_centres(points, clusters), runs);
    // A point read; its label, and the distance that the next step needs, written.
    line("k-means, one assignment, " + std::to_string(clusters) + " clusters",
         static_cast<double>(kPoints) * (12 + 1 + 4), seconds, memory,
         static_cast<double>(kPoints) * clusters / rate);
  }
  // A map as the edge network gives it, as large as the pictures above; cells of 8x8.
  const auto map = torch::rand({kBatch * kHeight, kWidth}, device);
  torch::cuda::synchronize();
  cuda::StructureDevice structure(device.has_index() ? device.index() : 0);
  const cuda::EdgeMapView view{map.const_data_ptr(), cuda::Precision::float32, kWidth,
                               static_cast<int>(kBatch * kHeight), true};
  const auto seconds =
      structure.time(view, kWidth / 8, static_cast<int>(kBatch * kHeight) / 8, runs);
  line("thinning, fp32", kPixels * 8, seconds.thinning, memory);
  line("pooling, cells of 8x8", kPixels * (4 + 4.0 / 64), seconds.pooling, memory);
#else
  std::printf("  k-means, thinning, pooling: this build has no CUDA part\n");
#endif
}

}  // namespace

void print_cuda_roofline(torch::Device device, int runs) {
  const torch::InferenceMode guard;
  torch::Tensor from = torch::ones({std::int64_t{128} << 20}, device), to = torch::empty_like(from);
  const double bytes = 2.0 * static_cast<double>(from.nbytes());
  const double memory = bytes / device_seconds(runs, [&] { to.copy_(from); });
  std::printf("Roofline of %s: memory copies %.1f GB/s (512 MiB read, 512 MiB written)%s\n",
              device.str().c_str(), memory * 1e-9,
              cuda_kernels_loaded() ? "" : "; WITHOUT the project's kernels");
  from = to = torch::Tensor();
  const auto flow = smooth_flow(device);
  for (const auto type : {torch::kFloat, torch::kHalf}) {
    const std::string name = type == torch::kFloat ? "fp32" : "fp16";
    const double size = type == torch::kFloat ? 4 : 2;
    const auto picture =
        torch::rand({kBatch, 3, kHeight, kWidth}, torch::dtype(type).device(device));
    // Picture and flow read, result written.
    line("warp, 3 channels, " + name, kPixels * (3 * size + 8 + 3 * size),
         device_seconds(runs, [&] { resample(picture, flow); }), memory);
    const auto last = picture.contiguous(torch::MemoryFormat::ChannelsLast);
    line("warp, 3 channels, " + name + ", channels last", kPixels * (3 * size + 8 + 3 * size),
         device_seconds(runs, [&] { resample(last, flow); }), memory);
    line("channel norm, 3 channels, " + name, kPixels * (3 * size + size),
         device_seconds(runs, [&] { channel_norm(picture); }), memory);
  }
  print_correlation(device, runs, memory);
  print_analysis(device, runs, memory);
}

}  // namespace semcodec
