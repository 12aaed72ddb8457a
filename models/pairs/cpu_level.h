#pragma once
// Which instructions the kernels on pair planes use on this machine.

#include <optional>
#include <vector>

namespace semcodec::pairs {

/// The instruction sets that have kernels, lowest first.
enum class Level {
  avx2,        ///< AVX2 and FMA
  avx512,      ///< AVX-512 F, BW, DQ and VL
  avx512bf16,  ///< these and AVX512_BF16
};

/// "avx2", "avx512" or "avx512bf16".
const char* name_of(Level level);

/// Those that CPU, operating system and build have, lowest first.
const std::vector<Level>& levels();

/// That of cpu::level_in_use() (common/cpu/level.h), which obeys SEMCODEC_CPU; nothing where there
/// are no kernels for it. Throws Error(usage) when SEMCODEC_CPU names one that is not there.
std::optional<Level> level_in_use();

/// Whether SEMCODEC_CPU asks for less than the machine has.
bool level_is_forced_down();

/// Whether there is any level.
inline bool supported() { return !levels().empty(); }

}  // namespace semcodec::pairs
