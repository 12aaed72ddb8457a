#include "training/run_tools.h"

#include "models/core/device.h"

namespace semcodec {

torch::Device prepare_torch(const std::string& device, int threads, std::uint64_t seed,
                            const Ranks& ranks) {
  auto chosen = parse_device(device);
  if (chosen.is_cuda() && ranks.size() > 1 && device.find(':') == std::string::npos) {
    const auto count = static_cast<int>(torch::cuda::device_count());
    chosen = parse_device("cuda:" + std::to_string(ranks.local_rank() % count));
  }
  set_threads(threads);
  torch::manual_seed(seed);
  return chosen;
}

}  // namespace semcodec
