#pragma once
// Joins the numbers of a context into one.

#include <cstddef>
#include <cstdint>

namespace semcodec::entropy {

/// h = 0; for each value: h = h * 0x2f0b4c47 + value + bias, modulo 2^32. Written as a sum of
/// products, which a processor works out side by side.
template <typename... Values>
constexpr std::uint32_t pack(int bias, Values... values) {
  constexpr std::uint32_t kFactor = 0x2f0b4c47u;
  std::uint32_t powers[sizeof...(values)] = {};
  std::uint32_t power = 1;
  for (std::size_t i = sizeof...(values); i-- > 0;) {
    powers[i] = power;
    power *= kFactor;
  }
  std::uint32_t h = 0;
  std::size_t i = 0;
  ((h += powers[i++] *
         (static_cast<std::uint32_t>(static_cast<int>(values)) + static_cast<std::uint32_t>(bias))),
   ...);
  return h;
}

}  // namespace semcodec::entropy
