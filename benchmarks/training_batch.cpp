#include "benchmarks/training_batch.h"

#include <cmath>
#include <filesystem>
#include <vector>

#include "models/generator/conditions.h"
#include "training/data/sequence_sampler.h"
#include "training/frame_store.h"
#include "training/trainer/batch.h"

namespace semcodec {

void write_bench_store(const std::string& folder, int crop) {
  constexpr int kFrames = 20;
  std::filesystem::create_directories(folder);
  const int side = crop + 32;
  FrameStoreWriter frames(folder + "/bench.frames", {side, side, 3, 0, 25, 1});
  FrameStoreWriter edges(folder + "/bench.edges", {side, side, 1, 0, 25, 1});
  const auto area = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  Random random(1);
  std::vector<int> grain(4096);
  for (int& value : grain) value = static_cast<int>(random.below(24));
  for (int t = 0; t < kFrames; ++t) {
    std::vector<std::uint8_t> rgb(3 * area), edge(area);
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        // Everything moves along, and the grain with it.
        const int u = x - 2 * t + 4096, v = y - t + 4096, tile = (u / 24 * 7 + v / 20 * 3) % 11;
        const int noise = grain[static_cast<std::size_t>((u * 61 + v * 127) % 4096)];
        const auto i = static_cast<std::size_t>(y * side + x);
        for (std::size_t c = 0; c < 3; ++c) {
          const double wave = std::sin(0.05 * u + 0.9 * static_cast<double>(c)) * 30;
          rgb[3 * i + c] = static_cast<std::uint8_t>(50 + 11 * tile + noise + std::lround(wave));
        }
        edge[i] = u % 24 == 0 || v % 20 == 0 ? 255 : 0;
      }
    }
    frames.add(rgb);
    edges.add(edge);
  }
  frames.finish();
  edges.finish();
}

SequenceSample bench_batch(const GeneratorOptions& options, bool between) {
  auto sampling = options.sampler;
  sampling.min_interval = 0.1;  // the store is short
  sampling.max_interval = 0.3;
  const SequenceSampler sampler(options.data, sampling);
  std::vector<SequenceSample> samples;
  for (int i = 0; i < options.batch; ++i) {
    samples.push_back(sampler.draw(static_cast<std::uint64_t>(i) + 1, between));
  }
  return collate(std::move(samples));
}

SequenceSample random_batch(int count, int width, int height, bool between) {
  const std::int64_t n = count, w = width, h = height;
  SequenceSample sample;
  sample.between = between;
  for (int i = 0; i < 3; ++i) {
    sample.pictures[i] = torch::rand({n, 3, h, w});
    if (i < 2 || !between) sample.conditions[i] = torch::rand({n, 4, h / 2, w / 2});
  }
  sample.planes = plane_scalars(8, 4, 16, 1).expand({n, -1}).contiguous();
  sample.key = torch::rand({n, 3, h, w});
  sample.has_key = torch::ones({n});
  const auto flow = [&] { return torch::randn({n, 2, h / 4, w / 4}); };
  sample.flow_10 = flow();
  (between ? sample.flow_01 : sample.flow_21) = flow();
  sample.interval = torch::full({n}, 0.2F);
  sample.third = torch::full({n}, 0.4F);
  return sample;
}

}  // namespace semcodec
