#pragma once
// The arithmetic of the context mixer (common/entropy/context_mixer.h) that is worth vector
// instructions. All levels give the same numbers, which a stream depends on.

#include <array>
#include <cstdint>

namespace semcodec::cpu {

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
  /// sum = Σ (weight / 16) · x / 4096 of each group, in 1/256; nothing exceeds 2^30.
  void (*mix)(MixWork&);
  /// weight += (x · gain + 2^13) / 2^14, held within ±kWeightMax; nothing exceeds 2^28.
  void (*train)(MixWork&);
};

/// Those of the level in use, which an unknown SEMCODEC_CPU does not change.
const MixKernels& mix_kernels() noexcept;

}  // namespace semcodec::cpu
