// Our k-means beside OpenCV's: same points, same number of clusters, same number of iterations,
// k-means++ seeding on both sides, one attempt; time (of the fastest call, and mean CPU time) and
// inertia in one run.
//
//   kmeans_bench [picture.ppm] [repetitions]
//
// Without a picture (binary PPM, 8 bit), a synthetic one of 512 × 256 with gradients, patches and
// noise is used.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <fstream>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/image.h"
#include "encoder/analysis/cells.h"
#include "encoder/analysis/kmeans.h"
#include "encoder/analysis/lab.h"

namespace {

using namespace semcodec;

RgbImage synthetic_picture() {
  RgbImage picture(512, 256);
  Random random(1);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const int patch = (x / 40 * 7 + y / 30 * 13) % 11;
      const int shade[3] = {x / 4 + 9 * patch, 40 + y / 2 + 12 * (patch % 4), 200 - 15 * patch};
      for (int c = 0; c < 3; ++c) {
        picture.row(y)[3 * x + c] = static_cast<std::uint8_t>(
            std::clamp(shade[c] + static_cast<int>(random.below(17)) - 8, 0, 255));
      }
    }
  }
  return picture;
}

RgbImage read_ppm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  int width = 0, height = 0, top = 0;
  file >> magic >> width >> height >> top;
  file.get();
  require(file && magic == "P6" && width > 0 && height > 0 && width <= 4096 && height <= 4096 &&
              top == 255,
          ErrorKind::input, path + " is not a binary 8-bit PPM picture of at most 4096 a side.");
  RgbImage picture(width, height);
  file.read(reinterpret_cast<char*>(picture.pixels.data()),
            static_cast<std::streamsize>(picture.pixels.size()));
  require(static_cast<bool>(file), ErrorKind::input, path + " ends too early.");
  return picture;
}

PointSet lab_points(const RgbImage& picture, int columns, int rows) {
  PointSet points;
  for (const auto& rgb : average_cells(picture, columns, rows).rgb) {
    const Centre lab = rgb_to_lab(rgb);
    points.x.push_back(lab[0]);
    points.y.push_back(lab[1]);
    points.z.push_back(lab[2]);
  }
  return points;
}

struct Measured {
  double wall_ms;  ///< of the fastest call
  double cpu_ms;   ///< mean over the calls, all threads together
  double inertia;  ///< mean over the seeds
};

template <typename Call>
Measured measure(int repetitions, Call call) {
  Measured result{1e30, 0, 0};
  call(0);  // warm up
  const std::clock_t cpu = std::clock();
  for (int i = 1; i <= repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    result.inertia += call(i) / repetitions;
    const std::chrono::duration<double, std::milli> spent =
        std::chrono::steady_clock::now() - start;
    result.wall_ms = std::min(result.wall_ms, spent.count());
  }
  result.cpu_ms = 1000.0 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC / repetitions;
  return result;
}

void compare(const RgbImage& picture, int columns, int rows, int clusters, int repetitions) {
  constexpr int kIterations = 20;
  const PointSet points = lab_points(picture, columns, rows);
  cv::Mat samples(static_cast<int>(points.size()), 3, CV_32F);
  for (std::size_t i = 0; i < points.size(); ++i) {
    float* row = samples.ptr<float>(static_cast<int>(i));
    row[0] = points.x[i];
    row[1] = points.y[i];
    row[2] = points.z[i];
  }
  const Measured ours = measure(repetitions, [&](int seed) {
    KMeansOptions options;
    options.clusters = clusters;
    options.max_iterations = kIterations;
    options.epsilon = 0;
    options.seed = static_cast<std::uint64_t>(seed);
    return kmeans(points, options).inertia;
  });
  const Measured theirs = measure(repetitions, [&](int seed) {
    cv::setRNGSeed(seed);
    cv::Mat labels;
    return cv::kmeans(samples, clusters, labels,
                      cv::TermCriteria(cv::TermCriteria::COUNT, kIterations, 0), 1,
                      cv::KMEANS_PP_CENTERS);
  });
  std::printf(
      "%4dx%-4d k %3d  ours %8.3f ms (CPU %8.3f)  OpenCV %8.3f ms (CPU %8.3f)  "
      "speed x%.1f (CPU x%.1f)  inertia ratio %.4f\n",
      columns, rows, clusters, ours.wall_ms, ours.cpu_ms, theirs.wall_ms, theirs.cpu_ms,
      theirs.wall_ms / ours.wall_ms, theirs.cpu_ms / ours.cpu_ms, ours.inertia / theirs.inertia);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const RgbImage picture = argc > 1 ? read_ppm(argv[1]) : synthetic_picture();
    const int repetitions = argc > 2 ? std::max(1, std::atoi(argv[2])) : 10;
    std::printf("k-means on %s, %d iterations, %d seeds, OpenCV %s with %d threads\n",
                argc > 1 ? argv[1] : "a synthetic picture", 20, repetitions, CV_VERSION,
                cv::getNumThreads());
    compare(picture, 512, 256, 16, repetitions);
    compare(picture, 128, 64, 16, repetitions);
    compare(picture, 64, 32, 16, repetitions);
    compare(picture, 64, 32, 32, repetitions);
    return 0;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
  }
}
