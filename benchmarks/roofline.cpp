#include "benchmarks/roofline.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

#include "benchmarks/roofline_points.h"
#include "models/kernels/generate_frame.h"
#include "models/kernels/resample.h"

namespace semcodec {
namespace {

double least_seconds(int runs, const std::function<void()>& work) {
  double least = 1e30;
  for (int i = 0; i < runs + 1; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (i > 0) least = std::min(least, took.count());
  }
  return least;
}

/// Bytes read and written a second, as STREAM's Copy counts them.
double copy_speed(std::size_t bytes, int runs) {
  std::vector<char> from(bytes, 1), to(bytes, 2);
  const double seconds = least_seconds(runs, [&] {
    at::parallel_for(0, static_cast<std::int64_t>(bytes), 1 << 16,
                     [&](std::int64_t first, std::int64_t last) {
                       std::memcpy(to.data() + first, from.data() + first,
                                   static_cast<std::size_t>(last - first));
                     });
  });
  return 2.0 * static_cast<double>(bytes) / seconds;
}

void line(const char* name, double bytes, double seconds, double memory, double caches) {
  const double speed = bytes / seconds;
  std::printf("  %-44s %8.3f ms %7.2f GB/s  %5.1f%% of memory's, %5.1f%% of the caches'\n", name,
              seconds * 1e3, speed * 1e-9, 100 * speed / memory, 100 * speed / caches);
}

}  // namespace

void print_roofline(int width, int height, int runs) {
  const auto area = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  const double pixels = static_cast<double>(area);
  const double memory = copy_speed(std::size_t{256} << 20, runs);
  const double caches = copy_speed(area * 12, runs);
  std::printf("Roofline: memory copies %.2f GB/s, the caches (%.1f MB) %.2f GB/s, %d threads\n",
              memory * 1e-9, pixels * 12e-6, caches * 1e-9, at::get_num_threads());

  const auto picture = torch::rand({1, 3, height, width});
  const auto flow = torch::randn({1, 2, height, width}) * 3;
  // Picture and flow read, result written.
  line("warp, 3 channels, fp32", pixels * (12 + 8 + 12),
       least_seconds(runs, [&] { resample(picture, flow); }), memory, caches);
  const auto pixel_form = to_pixels(picture);
  const auto coarse = torch::randn({1, 2, height / 4, width / 4}) * 3;
  auto folded =
      torch::empty({1, 32, height / 2, width / 2},
                   torch::dtype(torch::kBFloat16).memory_format(torch::MemoryFormat::ChannelsLast));
  // 16 bytes a pixel read and written, 12 channels of bf16 for four pixels, the coarse flow.
  line("warp of the interpolator, with what it sees", pixels * (16 + 16 + 6 + 0.5),
       least_seconds(runs, [&] { warp_folded(pixel_form, coarse, folded, 0); }), memory, caches);

  const PointSet points = roofline_points(area);
  for (const int clusters : {2, 8, 16, 32}) {
    KMeansOptions options;
    options.max_iterations = 0;  // assignment alone: each point read, its label written
    options.threads = at::get_num_threads();
    const auto start = roofline_centres(points, clusters);
    // The label, and the distance that the next step needs.
    const std::string name = "k-means, one assignment, " + std::to_string(clusters) + " clusters";
    line(name.c_str(), pixels * (12 + 1 + 4),
         least_seconds(runs, [&] { kmeans_from(points, start, options); }), memory, caches);
  }
}

}  // namespace semcodec
