// The dispatcher of the CPU's kernels.

#include "common/cpu/level.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "common/core/error.h"
#include "tests/cpu/environment.h"

namespace semcodec::cpu {
namespace {

TEST(Level, EveryMachineHasOneAndTheyAscend) {
  ASSERT_FALSE(levels().empty());
  EXPECT_TRUE(std::is_sorted(levels().begin(), levels().end()));
  const EnvironmentValue none("SEMCODEC_CPU", nullptr);
  EXPECT_EQ(level_in_use(), levels().back());
  EXPECT_FALSE(level_is_forced_down());
}

TEST(Level, TheEnvironmentVariableChoosesAmongWhatIsThere) {
  for (const Level level : levels()) {
    const EnvironmentValue wish("SEMCODEC_CPU", name_of(level));
    EXPECT_EQ(level_in_use(), level);
    EXPECT_EQ(level_or_best(), level);
    EXPECT_EQ(level_is_forced_down(), level != levels().back());
  }
  for (const std::string name : {"avx3", "generic", "avx2", "avx512", "avx512bf16", "neon"}) {
    if (std::any_of(levels().begin(), levels().end(),
                    [&](Level level) { return name == name_of(level); })) {
      continue;
    }
    const EnvironmentValue wish("SEMCODEC_CPU", name.c_str());
    EXPECT_EQ(level_or_best(), levels().back());
    try {
      level_in_use();
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace semcodec::cpu
