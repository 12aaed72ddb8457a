#pragma once
// Numbers that look random and that Python makes alike (torch, the same integer arithmetic), so
// that values of reference tools on seeded weights can stand in C++ tests.

#include <torch/torch.h>

#include <cmath>

#include "models/core/safetensors.h"

namespace semcodec {

/// float32 in low .. high: h = i * 1103515245 + salt * 12345 + 7 mod 2^31; h ^= h >> 11;
/// h = h * 48271 mod (2^31 - 1); h ^= h >> 7; value h / 2^31.
inline torch::Tensor seeded_values(at::IntArrayRef shape, std::int64_t salt, double low,
                                   double high) {
  std::int64_t count = 1;
  for (const std::int64_t n : shape) count *= n;
  torch::Tensor h = torch::arange(count, torch::kInt64);
  h = (h * 1103515245 + (salt * 12345 + 7)).remainder(std::int64_t{1} << 31);
  h = torch::bitwise_xor(h, torch::bitwise_right_shift(h, 11));
  h = (h * 48271).remainder(2147483647);
  h = torch::bitwise_xor(h, torch::bitwise_right_shift(h, 7));
  return (h.to(torch::kFloat64) / 2147483648.0 * (high - low) + low)
      .to(torch::kFloat32)
      .view(shape);
}

/// Fills tensors of these names and shapes; the salt is the place of the name in order.
/// Convolutions by He's rule, scales of batch norms 0.7 .. 1.3, all else -0.15 .. 0.15.
inline void seed_weights(TensorMap& tensors) {
  std::int64_t salt = 0;
  for (auto& [name, tensor] : tensors) {
    const auto shape = tensor.sizes();
    if (name.ends_with("bn.weight") || name.ends_with("running_var")) {
      tensor = seeded_values(shape, salt, 0.7, 1.3);
    } else if (shape.size() > 1) {
      const double reach =
          std::sqrt(6.0 * static_cast<double>(shape[0]) / static_cast<double>(tensor.numel()));
      tensor = seeded_values(shape, salt, -reach, reach);
    } else {
      tensor = seeded_values(shape, salt, -0.15, 0.15);
    }
    ++salt;
  }
}

}  // namespace semcodec
