#pragma once
// Tests that every level of the CPU's kernels has to pass (models/pairs/cpu_level.h).

#include <gtest/gtest.h>

#include <algorithm>

#include "models/pairs/cpu_level.h"
#include "tests/cpu/environment.h"

namespace semcodec {

/// Runs with SEMCODEC_CPU naming the level, and skips where it is not there. Those who override
/// SetUp() call it first, and return when IsSkipped().
class LevelTest : public testing::TestWithParam<pairs::Level> {
 protected:
  LevelTest() : level_("SEMCODEC_CPU", pairs::name_of(GetParam())) {}
  void SetUp() override {
    const auto& there = pairs::levels();
    if (std::find(there.begin(), there.end(), GetParam()) == there.end()) {
      GTEST_SKIP() << "This CPU (or build) does not have " << pairs::name_of(GetParam()) << ".";
    }
  }

 private:
  EnvironmentValue level_;
};

/// For INSTANTIATE_TEST_SUITE_P(Levels, TEST, every_level(), level_name).
inline auto every_level() {
  return testing::Values(pairs::Level::avx2, pairs::Level::avx512, pairs::Level::avx512bf16);
}
inline const char* level_name(const testing::TestParamInfo<pairs::Level>& level) {
  return pairs::name_of(level.param);
}

}  // namespace semcodec
