#pragma once
// Tests that have to pass at every level of the CPU's kernels (common/cpu/level.h).

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/cpu/level.h"
#include "tests/cpu/environment.h"

namespace semcodec {

/// oneDNN computes bfloat16 convolutions from AVX-512 on; on other CPUs networks run in float.
inline bool onednn_has_bfloat16() {
  const auto& levels = cpu::levels();
  return std::find(levels.begin(), levels.end(), cpu::Level::avx512) != levels.end();
}
inline constexpr char kNoBfloat16[] =
    "oneDNN has no bfloat16 convolutions on this CPU; they need AVX-512.";

/// SEMCODEC_CPU names the level, and kernels obey, for as long as a scope lasts.
class HeldToLevel {
 public:
  explicit HeldToLevel(cpu::Level level) : wish_(std::in_place, "SEMCODEC_CPU", name_of(level)) {
    cpu::level_or_best();
  }
  ~HeldToLevel() {
    wish_.reset();
    cpu::level_or_best();
  }
  HeldToLevel(const HeldToLevel&) = delete;
  HeldToLevel& operator=(const HeldToLevel&) = delete;

 private:
  std::optional<EnvironmentValue> wish_;
};

/// Runs held to the level of the parameter.
class LevelTest : public testing::TestWithParam<cpu::Level> {
 private:
  HeldToLevel held_{GetParam()};
};

/// For INSTANTIATE_TEST_SUITE_P(Levels, TEST, every_level(), level_name): what this machine has.
inline auto every_level() { return testing::ValuesIn(cpu::levels()); }
inline const char* level_name(const testing::TestParamInfo<cpu::Level>& level) {
  return cpu::name_of(level.param);
}

}  // namespace semcodec
