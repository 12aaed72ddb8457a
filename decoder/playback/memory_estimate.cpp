#include "decoder/playback/memory_estimate.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace semcodec {
namespace {

constexpr std::uint64_t kProgram = std::uint64_t{240} << 20, kBytesPerPixel = 950;

/// The number in a file that holds nothing else; 0 where there is none.
std::uint64_t number_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : 0;
}

}  // namespace

std::uint64_t estimate_memory(const StreamInfo& info) {
  return kProgram + kBytesPerPixel * static_cast<std::uint64_t>(info.coded_width) *
                        static_cast<std::uint64_t>(info.coded_height);
}

std::uint64_t available_memory() {
  std::uint64_t available = 0;
  std::ifstream file("/proc/meminfo");
  for (std::string name, rest; file >> name && std::getline(file, rest);) {
    if (name == "MemAvailable:") available = std::stoull(rest) * 1024;
  }
  const std::uint64_t limit = number_in("/sys/fs/cgroup/memory.max");
  const std::uint64_t used = number_in("/sys/fs/cgroup/memory.current");
  if (limit > 0) {
    const std::uint64_t left = limit > used ? limit - used : 1;
    available = available == 0 ? left : std::min(available, left);
  }
  return available;
}

void fit_inside(int max_width, int max_height, int& width, int& height) {
  if (width <= max_width && height <= max_height) return;
  const double scale =
      std::min(static_cast<double>(max_width) / width, static_cast<double>(max_height) / height);
  const auto side = [scale](int full, int most) {
    const int even = static_cast<int>(full * scale) / 2 * 2;
    return std::clamp(even, std::min(2, most), most);
  };
  width = side(width, max_width);
  height = side(height, max_height);
}

}  // namespace semcodec
