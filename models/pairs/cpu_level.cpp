#include "models/pairs/cpu_level.h"

#include <cstdlib>
#include <string>

#include "common/core/error.h"

namespace semcodec::pairs {
namespace {

std::vector<Level> levels_of_machine() {
  std::vector<Level> found;
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  // These also ask whether the operating system saves the registers.
  if (__builtin_cpu_supports("avx2") == 0 || __builtin_cpu_supports("fma") == 0) return found;
  found.push_back(Level::avx2);
  if (__builtin_cpu_supports("avx512f") == 0 || __builtin_cpu_supports("avx512bw") == 0 ||
      __builtin_cpu_supports("avx512dq") == 0 || __builtin_cpu_supports("avx512vl") == 0) {
    return found;
  }
  found.push_back(Level::avx512);
  if (__builtin_cpu_supports("avx512bf16") != 0) found.push_back(Level::avx512bf16);
#endif
  return found;
}

}  // namespace

const char* name_of(Level level) {
  return level == Level::avx2 ? "avx2" : level == Level::avx512 ? "avx512" : "avx512bf16";
}

const std::vector<Level>& levels() {
  static const std::vector<Level> found = levels_of_machine();
  return found;
}

std::optional<Level> level_in_use() {
  const char* wish = std::getenv("SEMCODEC_CPU");
  if (wish == nullptr || *wish == '\0') {
    return levels().empty() ? std::nullopt : std::optional(levels().back());
  }
  const std::string text = wish;
  std::string names;
  for (const Level level : levels()) {
    if (text == name_of(level)) return level;
    names += (names.empty() ? "" : ", ") + std::string(name_of(level));
  }
  throw Error(ErrorKind::usage,
              "SEMCODEC_CPU is '" + text + "'; " +
                  (names.empty() ? "this machine has none of its levels, so leave it unset."
                                 : "on this machine it can be " + names + ", or be left unset."));
}

bool level_is_forced_down() { return supported() && level_in_use() != levels().back(); }

}  // namespace semcodec::pairs
