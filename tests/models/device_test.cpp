// Which device and number format are taken, and what is said about it.

#include "models/core/device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>

#include "common/core/error.h"
#include "common/cpu/level.h"
#include "tests/cpu/environment.h"

namespace semcodec {
namespace {

TEST(Device, TextsAreChecked) {
  EXPECT_TRUE(parse_device("cpu").is_cpu());
  for (const char* wrong : {"", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:1x", "CPU"}) {
    try {
      parse_device(wrong);
      FAIL() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << wrong;
    }
  }
  try {
    parse_device("cuda:4096");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::device);
    EXPECT_NE(std::string(error.what()).find("cuda:4096"), std::string::npos);
  }
}

/// What `work` prints on stderr.
std::string said(const std::function<void()>& work) {
  testing::internal::CaptureStderr();
  work();
  return testing::internal::GetCapturedStderr();
}

TEST(Device, ChoosingTheCpuIsSaidOnceWithItsReason) {
  if (load_cuda()) GTEST_SKIP() << "this machine has a CUDA device, so auto falls back to nothing";
  EXPECT_EQ(said([] { parse_device("cpu"); }), "");  // asked for: no fallback
  const auto first = said([] { EXPECT_TRUE(parse_device("auto").is_cpu()); });
  EXPECT_NE(first.find("the networks run on the CPU"), std::string::npos) << first;
  EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), 1) << first;
  EXPECT_EQ(said([] { parse_device("auto"); }), "");
}

TEST(Device, AnotherNumberFormatIsSaidOnceAndAWrongOneRefused) {
  const char* before = std::getenv("SEMCODEC_DTYPE");
  const std::string kept = before != nullptr ? before : "";
  const char* unusual = cpu_has_bf16() ? "fp32" : "bf16";
  ::setenv("SEMCODEC_DTYPE", unusual, 1);
  const auto first = said([] { inference_dtype(torch::kCPU); });
  EXPECT_NE(first.find("SEMCODEC_DTYPE"), std::string::npos) << first;
  EXPECT_EQ(said([] { inference_dtype(torch::kCPU); }), "");
  ::setenv("SEMCODEC_DTYPE", "fp8", 1);
  EXPECT_THROW(inference_dtype(torch::kCPU), Error);
  ::setenv("SEMCODEC_DTYPE", kept.c_str(), 1);
}

TEST(Device, EnginesRunUnlessSinglePrecisionIsAskedFor) {
  const EnvironmentValue no_level("SEMCODEC_CPU", nullptr);
  const EnvironmentValue no_dtype("SEMCODEC_DTYPE", nullptr);
  if (cpu::levels().back() == cpu::Level::generic) {
    EXPECT_FALSE(engine_wanted(torch::kCPU));
    EXPECT_EQ(describe(torch::kCPU).find("pair kernels"), std::string::npos);
    GTEST_SKIP() << "This CPU has none of the levels that engines are used at.";
  }
  EXPECT_TRUE(engine_wanted(torch::kCPU));
  EXPECT_TRUE(engine_wanted(torch::kCPU, torch::kBFloat16));
  EXPECT_FALSE(engine_wanted(torch::kCPU, torch::kFloat32));
  EXPECT_FALSE(engine_wanted({torch::kCUDA, 0}));
  for (const cpu::Level level : cpu::levels()) {
    const EnvironmentValue wish("SEMCODEC_CPU", cpu::name_of(level));
    const std::string text = describe(torch::kCPU);
    const bool named =
        text.find(std::string("pair kernels ") + cpu::name_of(level) + ",") != std::string::npos;
    EXPECT_EQ(named, level != cpu::Level::generic) << text;
    EXPECT_EQ(engine_wanted(torch::kCPU), level != cpu::Level::generic);
    const bool narrow = cpu_has_bf16() && level == cpu::levels().back();
    EXPECT_EQ(inference_dtype(torch::kCPU), narrow ? torch::kBFloat16 : torch::kFloat32);
  }
  const EnvironmentValue single("SEMCODEC_DTYPE", "fp32");
  EXPECT_FALSE(engine_wanted(torch::kCPU));
  EXPECT_EQ(describe(torch::kCPU).find("pair kernels"), std::string::npos);
  const EnvironmentValue wrong("SEMCODEC_CPU", "sse9");
  EXPECT_THROW(describe(torch::kCPU), Error);
}

TEST(Device, DeterminismIsSwitchedOnAndOff) {
  set_deterministic(true);
  EXPECT_TRUE(deterministic());
  EXPECT_TRUE(at::globalContext().deterministicCuDNN());
  EXPECT_FALSE(at::globalContext().benchmarkCuDNN());
  set_deterministic(false);
  EXPECT_FALSE(deterministic());
}

TEST(Device, ChannelsLastKeepsTheValues) {
  torch::nn::Conv2d net(torch::nn::Conv2dOptions(3, 4, 3));
  const torch::Tensor before = net->weight.detach().clone();
  to_channels_last(*net);
  EXPECT_TRUE(net->weight.is_contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(torch::equal(net->weight.detach(), before));
}

}  // namespace
}  // namespace semcodec
