#pragma once
// The arithmetic of the context mixer that is worth vector instructions: plain integer loops, and
// the same in AVX2. Both give the same numbers.

#include <array>
#include <cstdint>

namespace semcodec::entropy {

inline constexpr int kMaxContexts = 8;
inline constexpr int kInputs = 2 * kMaxContexts;
inline constexpr int kGroups = 2;
inline constexpr std::int32_t kWeightMax = 1 << 18;  ///< weights are in 1/65536

/// What the loops work on for one decision. Inputs without a context stay 0.
struct alignas(64) MixWork {
  std::array<std::int32_t, kInputs> x{};         ///< in 1/256, |x| < 2^11.4
  std::array<std::int32_t*, kGroups> weights{};  ///< kInputs each
  std::array<std::int32_t, kGroups> gain{};      ///< error times rate, in 2^-22, < 2^16
  std::array<std::int32_t, kGroups> sum{};       ///< out
};

struct MixKernels {
  /// sum = the weighted sums of x, in 1/256.
  void (*mix)(MixWork&);
  /// Moves the weights along the gradient.
  void (*train)(MixWork&);
};

/// The plain loops.
extern const MixKernels kPlainKernels;
/// The fastest ones that this machine can run.
const MixKernels& best_kernels();

}  // namespace semcodec::entropy
