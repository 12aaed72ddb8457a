#include "training/sample_grid.h"

#include <algorithm>

#include "common/core/file.h"

namespace semcodec {

torch::Tensor write_sample_grid(const std::string& path, const std::vector<torch::Tensor>& columns,
                                int64_t rows) {
  std::vector<torch::Tensor> strips;
  for (const auto& column : columns) {
    const auto count = std::min<int64_t>(rows, column.size(0));
    strips.push_back(torch::cat(column.narrow(0, 0, count).unbind(0), 1));
  }
  const auto grid = (torch::cat(strips, 2).permute({1, 2, 0}).clamp(0, 1) * 255 + 0.5)
                        .to(torch::kCPU, torch::kUInt8)
                        .contiguous();
  const std::string header =
      "P6\n" + std::to_string(grid.size(1)) + " " + std::to_string(grid.size(0)) + "\n255\n";
  OutputFile file(path);
  file.write({reinterpret_cast<const std::uint8_t*>(header.data()), header.size()});
  file.write({grid.data_ptr<std::uint8_t>(), static_cast<std::size_t>(grid.numel())});
  file.commit();
  return grid;
}

}  // namespace semcodec
