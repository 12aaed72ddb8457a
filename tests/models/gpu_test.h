#pragma once
// What every test that needs a GPU begins with.

#include <gtest/gtest.h>

#include <string>

#include "models/core/device.h"

namespace semcodec {

/// Skips with the reason where there is no GPU. With one, the project's kernels have to be there as
/// well: the steps of torch that stand in for them would pass most of these tests.
class GpuTest : public testing::Test {
 protected:
  /// Those who override it call it first, and return when unusable().
  void SetUp() override {
    std::string why;
    if (!load_cuda(&why)) {
      GTEST_SKIP() << "no GPU to test on (" << why << "); run on a machine with one: ctest -L gpu";
    }
    ASSERT_TRUE(cuda_kernels_loaded()) << "libsemcodec_cuda.so was not found or does not load";
  }
  static bool unusable() { return IsSkipped() || HasFatalFailure(); }
};

}  // namespace semcodec
