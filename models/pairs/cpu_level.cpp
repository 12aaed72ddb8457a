#include "models/pairs/cpu_level.h"

#include <algorithm>

#include "common/cpu/level.h"

namespace semcodec::pairs {
namespace {

/// The level of common/cpu/level.h with these instructions.
cpu::Level level_of(Level level) {
  return level == Level::avx2     ? cpu::Level::avx2
         : level == Level::avx512 ? cpu::Level::avx512
                                  : cpu::Level::avx512bf16;
}

std::vector<Level> levels_of_machine() {
  std::vector<Level> found;
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  const auto& there = cpu::levels();
  for (const Level level : {Level::avx2, Level::avx512, Level::avx512bf16}) {
    if (std::find(there.begin(), there.end(), level_of(level)) != there.end()) {
      found.push_back(level);
    }
  }
#endif
  return found;
}

}  // namespace

const char* name_of(Level level) { return cpu::name_of(level_of(level)); }

const std::vector<Level>& levels() {
  static const std::vector<Level> found = levels_of_machine();
  return found;
}

std::optional<Level> level_in_use() {
  const cpu::Level wanted = cpu::level_in_use();
  for (const Level level : levels()) {
    if (level_of(level) == wanted) return level;
  }
  return std::nullopt;
}

bool level_is_forced_down() { return supported() && level_in_use() != levels().back(); }

}  // namespace semcodec::pairs
