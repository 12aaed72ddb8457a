#include "models/generator/class_maps.h"

#include "common/semantic/class_plane.h"

namespace semcodec {

torch::Tensor class_maps(const torch::Tensor& colours, int classes) {
  const torch::NoGradGuard guard;
  const auto bytes = (colours.to(torch::kFloat32) * 255).round().clamp(0, 255).to(torch::kInt64);
  auto code = torch::zeros_like(bytes.select(1, 0));
  for (int bit = 0; bit < 8; ++bit) {
    const auto channel = bytes.select(1, bit % 3);
    code += channel.bitwise_right_shift(7 - bit / 3).bitwise_and(1).bitwise_left_shift(bit);
  }
  const auto numbers = torch::arange(1, classes + 1, code.options()).view({1, -1, 1, 1});
  return (code.unsqueeze(1) == numbers).to(torch::kFloat32);
}

}  // namespace semcodec
