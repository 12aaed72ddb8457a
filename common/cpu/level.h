#pragma once
// Which vector instructions the kernels of common/cpu use: the one dispatcher.
//
// Every kernel is compiled for all levels that the build has, and chosen when it is first called.
// The environment variable SEMCODEC_CPU holds all of them down to a lower level, for tests and
// comparisons. docs/cpu-kernels.md says how kernels are written.

#include <optional>
#include <vector>

namespace semcodec::cpu {

/// The instruction sets that have kernels, lowest first. A build has those of its architecture.
enum class Level {
  generic,     ///< what every CPU of the architecture has: SSE2, or portable C++
  avx2,        ///< AVX2, FMA, BMI2 and F16C
  avx512,      ///< these and AVX-512 F, BW, CD, DQ and VL
  avx512bf16,  ///< these and AVX512_BF16 (Zen 4 or Sapphire Rapids and later)
  neon,        ///< 64-bit ARM
  neonbf16,    ///< and its products of bfloat16 pairs
};

/// "generic", "avx2", "avx512", "avx512bf16", "neon" or "neonbf16".
const char* name_of(Level level);

/// Those that CPU, operating system and build have, lowest first; never empty.
const std::vector<Level>& levels();

/// The highest of levels(), or the one that SEMCODEC_CPU names; kernels called from now on use it.
/// Throws Error(usage) when SEMCODEC_CPU names one that is not there.
Level level_in_use();

/// The same without an error: an unknown name counts as none. For what runs before main().
Level level_or_best() noexcept;

/// Whether SEMCODEC_CPU asks for less than the machine has.
bool level_is_forced_down();

}  // namespace semcodec::cpu
