#pragma once
// What the tests of the CUDA kernels of the flow operators share. With SEMCODEC_CUDA_ON_HOST the
// kernels run on the CPU (tests/cuda_on_host), else on a GPU, or the test is skipped.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <string>
#include <vector>

#include "models/kernels/dispatch.h"
#include "models/kernels/plain_kernels.h"
#include "tests/models/gpu_test.h"

#ifdef SEMCODEC_CUDA_ON_HOST
extern "C" const semcodec::kernels::FlowKernels* semcodec_cuda_flow_kernels();
#endif

namespace semcodec {

using torch::Tensor;

constexpr auto kLast = at::MemoryFormat::ChannelsLast;
constexpr auto kRows = at::MemoryFormat::Contiguous;

#ifdef SEMCODEC_CUDA_ON_HOST
/// Where the kernels under test run.
inline torch::Device gpu() { return torch::kCPU; }

class FlowKernelsCuda : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(11); }
  static const kernels::FlowKernels& own() { return *semcodec_cuda_flow_kernels(); }
#else
inline torch::Device gpu() { return {torch::kCUDA, 0}; }

class FlowKernelsCuda : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (unusable()) return;
    ASSERT_TRUE(kernels::have_cuda_kernels());
    ASSERT_NE(&own(), &kernels::plain_kernels());
    torch::manual_seed(11);
  }
  static const kernels::FlowKernels& own() { return kernels::kernels_for(gpu()); }
#endif
  static const kernels::FlowKernels& twin() { return kernels::kernels_for(torch::kCPU); }
};

/// How far two computations of one number may be apart: |a - b| <= absolute + relative · |b|.
struct Tolerance {
  double absolute, relative;
};

/// Both sides get the same inputs, add in float (double for double) in another order, and round the
/// result once to the type: float's order of addition costs some 1e-6, and two roundings of nearly
/// the same number differ by one unit in the last place at most, 2^-10 of it in half precision and
/// 2^-7 in bfloat16.
inline Tolerance tolerance_of(torch::Dtype type) {
  if (type == torch::kDouble) return {1e-12, 1e-12};
  if (type == torch::kFloat) return {1e-5, 1e-5};
  if (type == torch::kHalf) return {1e-5, 1.0 / 1024};
  return {1e-5, 1.0 / 128};
}

inline void expect_near(const Tensor& got, const Tensor& want, Tolerance tolerance) {
  ASSERT_TRUE(got.defined() && want.defined());
  ASSERT_EQ(got.device(), gpu());
  ASSERT_EQ(got.sizes(), want.sizes());
  EXPECT_EQ(got.scalar_type(), want.scalar_type());
  if (want.numel() == 0) return;
  const auto a = got.cpu().to(torch::kDouble), b = want.cpu().to(torch::kDouble);
  EXPECT_TRUE(torch::isfinite(a).all().item<bool>());
  const auto excess = (a - b).abs() - tolerance.absolute - tolerance.relative * b.abs();
  EXPECT_LE(excess.max().item<double>(), 0)
      << "largest difference " << (a - b).abs().max().item<double>();
}

inline const std::vector<torch::Dtype> kTypes = {torch::kFloat, torch::kDouble, torch::kHalf,
                                                 torch::kBFloat16};

inline std::string named(torch::Dtype type) { return c10::toString(type); }

inline Tensor random(at::IntArrayRef shape, torch::Dtype type, at::MemoryFormat format = kRows) {
  return torch::randn(shape).to(type).contiguous(format);
}

}  // namespace semcodec
