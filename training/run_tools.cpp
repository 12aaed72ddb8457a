#include "training/run_tools.h"

#include <filesystem>

#include "models/core/device.h"
#include "models/core/safetensors.h"

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

void start_from(torch::nn::Module& module, const std::string& path, const std::string& own_part) {
  auto tensors = load_safetensors(path);
  const auto holds = [&](const std::string& prefix) {
    const auto at = tensors.lower_bound(prefix);
    return at != tensors.end() && at->first.rfind(prefix, 0) == 0;
  };
  const bool keep = !own_part.empty() && !holds(own_part);
  for (const auto& [name, tensor] : state_of(module)) {
    if (keep && name.rfind(own_part, 0) == 0) {
      tensors[name] = tensor.clone();
      continue;
    }
    const auto conv2 = name.find(".conv2.");
    const auto conv1 = name.find(".conv1.");
    if (tensors.contains(name) || (conv1 == std::string::npos && conv2 == std::string::npos)) {
      continue;
    }
    tensors[name] = conv2 == std::string::npos ? tensor.clone() : torch::zeros_like(tensor);
  }
  load_into(module, tensors, path);
}

void remove_partial_files(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path whole(path);
  const std::string start = whole.filename().string() + ".part";
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(whole.parent_path(), code)) {
    if (entry.path().filename().string().rfind(start, 0) != 0) continue;
    std::error_code ignored;
    fs::remove(entry.path(), ignored);
  }
}

}  // namespace semcodec
