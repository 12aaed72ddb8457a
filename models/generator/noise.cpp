#include "models/generator/noise.h"

namespace semcodec {

namespace {

/// The finaliser of SplitMix64 (Steele et al. 2014): every bit of the input moves every one of the
/// output.
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

torch::Tensor noise_field(std::int64_t height, std::int64_t width, int level, std::int64_t seed,
                          torch::Device device) {
  auto field = torch::empty({1, 1, height, width}, torch::kFloat32);
  float* out = field.data_ptr<float>();
  const std::uint64_t key = mixed(static_cast<std::uint64_t>(seed) * 8 +
                                  static_cast<std::uint64_t>(level) + 0x9e3779b97f4a7c15ULL);
  constexpr float kReach = 1.7320508F, kUnit = 1.0F / (1 << 24);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const auto place = static_cast<std::uint64_t>(y) << 32 | static_cast<std::uint64_t>(x);
      const auto bits = static_cast<float>(mixed(key ^ mixed(place + 1)) >> 40);  // 24: exact
      *out++ = (bits * kUnit * 2.0F - 1.0F) * kReach;
    }
  }
  if (!device.is_cuda()) return field;
  // From ordinary memory the copy would wait for all that the GPU has queued.
  return field.pin_memory().to(device, /*non_blocking=*/true);
}

}  // namespace semcodec
