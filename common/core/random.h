#pragma once
// A small integer random generator whose sequence is the same on every machine and compiler
// (std::uniform_* distributions are not). SplitMix64: G. L. Steele, D. Lea, C. H. Flood,
// "Fast splittable pseudorandom number generators", OOPSLA 2014.

#include <cstdint>

namespace semcodec {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, bound), without bias; bound > 0. Draws until a value fits, under two draws
  /// on average.
  std::uint64_t below(std::uint64_t bound) {
    std::uint64_t mask = bound - 1;
    for (int shift = 1; shift < 64; shift *= 2) mask |= mask >> shift;
    for (;;) {
      const std::uint64_t value = next() & mask;
      if (value < bound) return value;
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace semcodec
