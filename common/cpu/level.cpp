#include "common/cpu/level.h"

#include <hwy/highway.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>

#include "common/core/error.h"

namespace semcodec::cpu {
namespace {

/// A level, and Highway's names of what it adds to those below it.
struct Entry {
  Level level;
  const char* name;
  std::int64_t targets;
};

constexpr std::int64_t kPortable = HWY_SCALAR | HWY_EMU128;
#if HWY_ARCH_X86
constexpr std::array kEntries = {
    Entry{Level::generic, "generic", kPortable | HWY_SSE2},
    Entry{Level::avx2, "avx2", HWY_AVX2},
    Entry{Level::avx512, "avx512", HWY_AVX3},
    Entry{Level::avx512bf16, "avx512bf16", HWY_AVX3_ZEN4 | HWY_AVX3_SPR},
};
#elif HWY_ARCH_ARM_A64
constexpr std::array kEntries = {
    Entry{Level::neon, "neon", kPortable | HWY_NEON_WITHOUT_AES | HWY_NEON},
    Entry{Level::neonbf16, "neonbf16", HWY_NEON_BF16},
};
#else
constexpr std::array kEntries = {Entry{Level::generic, "generic", ~std::int64_t{0}}};
#endif

std::vector<Level> levels_of_machine() {
  const std::int64_t there = hwy::SupportedTargets() & HWY_TARGETS;
  std::vector<Level> found = {kEntries.front().level};
  for (std::size_t i = 1; i < kEntries.size(); ++i) {
    if ((there & kEntries[i].targets) != 0) found.push_back(kEntries[i].level);
  }
  return found;
}

/// Has Highway leave out what lies above the level. Running kernels are not disturbed.
void hold_to(Level level) {
  static std::mutex mutex;
  static std::optional<Level> held;
  const std::lock_guard<std::mutex> lock(mutex);
  if (held == level) return;
  std::int64_t above = 0;
  for (const Entry& entry : kEntries) {
    if (entry.level > level) above |= entry.targets;
  }
  hwy::DisableTargets(above);
  held = level;
}

std::optional<Level> named(const std::string& name) {
  for (const Level level : levels()) {
    if (name == name_of(level)) return level;
  }
  return std::nullopt;
}

std::string wish() {
  const char* text = std::getenv("SEMCODEC_CPU");
  return text == nullptr ? "" : text;
}

}  // namespace

const char* name_of(Level level) {
  switch (level) {
    case Level::generic:
      return "generic";
    case Level::avx2:
      return "avx2";
    case Level::avx512:
      return "avx512";
    case Level::avx512bf16:
      return "avx512bf16";
    case Level::neon:
      return "neon";
    case Level::neonbf16:
      return "neonbf16";
  }
  return "";
}

const std::vector<Level>& levels() {
  static const std::vector<Level> found = levels_of_machine();
  return found;
}

Level level_in_use() {
  const std::string text = wish();
  const std::optional<Level> level = text.empty() ? levels().back() : named(text);
  if (!level) {
    std::string names;
    for (const Level there : levels()) {
      names += (names.empty() ? "" : ", ") + std::string(name_of(there));
    }
    throw Error(ErrorKind::usage, "SEMCODEC_CPU is '" + text + "'; on this machine it can be " +
                                      names + ", or be left unset.");
  }
  hold_to(*level);
  return *level;
}

Level level_or_best() noexcept {
  const Level level = named(wish()).value_or(levels().back());
  hold_to(level);
  return level;
}

bool level_is_forced_down() { return level_in_use() != levels().back(); }

namespace {
/// Kernels that are called directly, not by a table, find SEMCODEC_CPU obeyed.
[[maybe_unused]] const Level kAtStart = level_or_best();
}  // namespace

}  // namespace semcodec::cpu
