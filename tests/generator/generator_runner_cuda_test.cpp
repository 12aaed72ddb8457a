// The device path on a GPU: edge network and generator runner as CUDA graphs against the CPU in
// float32, and against themselves when replayed, when asked by two threads, and at two sizes.

#include <gtest/gtest.h>

#include "common/app/worker_pool.h"
#include "decoder/synthesis/synthesiser.h"
#include "models/core/device.h"
#include "models/core/graphed.h"
#include "models/pidinet/edge_detector.h"
#include "tests/models/gpu_test.h"

namespace semcodec {
namespace {

class DevicePath : public GpuTest {
 protected:
  static SemanticFrame coded_frame(std::int64_t pts, int width, int height, int seed) {
    SemanticFrame frame;
    frame.pts = pts;
    frame.entry_point = pts == 0;
    frame.labels = {width / 16, height / 16, 4, {}};
    frame.structure = {width / 8, height / 8, 4, {}};
    frame.palette = {{200, 130, 90}, {90, 120, 80}, {60, 70, 90}, {200, 210, 220}};
    for (int i = 0; i < width / 16 * height / 16; ++i) {
      frame.labels.values.push_back(static_cast<std::uint8_t>((i / 3 + i / (width / 16)) % 4));
    }
    for (int i = 0; i < width / 8 * height / 8; ++i) {
      frame.structure.values.push_back(static_cast<std::uint8_t>((i + seed) % 11 == 0 ? 3 : 0));
    }
    if (pts == 0) return frame;
    const auto cells = static_cast<std::size_t>(width / 16 * height / 16);
    frame.motion = {width / 16, height / 16, std::vector<std::int16_t>(cells, 8),
                    std::vector<std::int16_t>(cells, -4)};
    for (std::int64_t i = pts - 3; i < pts; ++i) frame.interpolated_pts.push_back(i);
    return frame;
  }

  static std::vector<torch::Tensor> decode(torch::Device device, torch::Dtype dtype, int width,
                                           int height, int workers) {
    StreamInfo info;
    info.width = info.coded_width = width;
    info.height = info.coded_height = height;
    info.time_base_den = 25;
    SynthesisOptions options;
    options.device = device;
    options.dtype = dtype;
    // An intra picture at the entry point, so that this input takes part too.
    options.key_decoder = [](const IntraPicture&, int w, int h) {
      return torch::arange(h * w * 3).remainder(251).reshape({h, w, 3}).to(torch::kUInt8);
    };
    Synthesiser synthesiser(open_package("default"), info, options);
    WorkerPool pool(workers);
    std::vector<std::future<torch::Tensor>> frames;
    for (int i = 0; i < 5; ++i) {
      auto sent = coded_frame(4 * i, width, height, i);
      if (i == 0) sent.intra_picture = IntraPicture{};
      for (auto& job : synthesiser.plan(sent)) frames.push_back(pool.submit(job.generate));
    }
    std::vector<torch::Tensor> out;
    for (auto& frame : frames) out.push_back(frame.get());
    return out;
  }

  /// Mean absolute difference of bytes.
  static double distance(const torch::Tensor& a, const torch::Tensor& b) {
    return (a.to(torch::kFloat32) - b.to(torch::kFloat32)).abs().mean().item<double>();
  }
};

TEST_F(DevicePath, GeneratesWhatTheCpuGenerates) {
  for (const auto& [width, height] : {std::pair{256, 128}, {304, 176}}) {
    const auto want = decode(torch::kCPU, torch::kFloat32, width, height, 1);
    const auto exact = decode({torch::kCUDA, 0}, torch::kFloat32, width, height, 1);
    const auto fast = decode({torch::kCUDA, 0}, torch::kFloat16, width, height, 2);
    ASSERT_EQ(want.size(), 17U);
    ASSERT_EQ(exact.size(), want.size());
    ASSERT_EQ(fast.size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      EXPECT_TRUE(exact[i].is_cpu());
      EXPECT_EQ(exact[i].sizes(), want[i].sizes());
      // Convolutions may use tf32: 10 bits of mantissa as fp16 has, over four generations.
      EXPECT_LT(distance(exact[i], want[i]), 0.6) << "frame " << i;
      EXPECT_LT(distance(fast[i], want[i]), 1.0) << "frame " << i;
    }
    // Something must have been generated.
    EXPECT_GT(want[8].to(torch::kFloat32).std().item<double>(), 5);
  }
}

TEST_F(DevicePath, GraphsRepeatThemselvesAndFollowTheirInputs) {
  int calls = 0;
  Graphed doubled("test", [&](const Graphed::Tensors& x) {
    ++calls;
    return Graphed::Tensors{x[0] * 2 + (x[1].defined() ? x[1] : torch::zeros_like(x[0]))};
  });
  const auto options = torch::TensorOptions().device(torch::kCUDA);
  for (int i = 0; i < 5; ++i) {
    const auto a = torch::full({3, 4}, i, options), b = torch::full({3, 4}, 10 * i, options);
    EXPECT_TRUE(torch::equal(doubled({a, b})[0], a * 2 + b));
    EXPECT_TRUE(torch::equal(doubled({a, {}})[0], a * 2));
    EXPECT_TRUE(torch::equal(doubled({torch::full({i + 1}, i, options), {}})[0],
                             torch::full({i + 1}, 2 * i, options)));
  }
  // Recorded once for each set of shapes (three warm-ups and the recording), not run each time.
  EXPECT_EQ(calls, 4 * (1 + 1 + 5));
}

TEST_F(DevicePath, WhatCannotBeRecordedIsStillComputed) {
  Graphed stubborn("test of a refusal", [](const Graphed::Tensors& x) {
    return Graphed::Tensors{x[0] * x[0].sum().item<double>()};  // looks at a value
  });
  const auto x = torch::full({4}, 2.0, torch::TensorOptions().device(torch::kCUDA));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(torch::equal(stubborn({x})[0], x * 8));
  EXPECT_TRUE(torch::equal(torch::ones({2}, x.options()) + 1, torch::full({2}, 2.0, x.options())));
}

TEST_F(DevicePath, EdgesAreThoseOfTheCpu) {
  const auto package = open_package("default");
  torch::manual_seed(3);
  const auto rgb = torch::nn::functional::interpolate(
                       torch::rand({1, 3, 12, 20}), torch::nn::functional::InterpolateFuncOptions()
                                                        .size(std::vector<std::int64_t>{120, 200})
                                                        .mode(torch::kBilinear)
                                                        .align_corners(false))
                       .mul(255)
                       .to(torch::kUInt8);
  const auto want = EdgeDetector(package.edges_path(), torch::kCPU, torch::kFloat32).detect(rgb);
  const EdgeDetector detector(package.edges_path(), torch::Device(torch::kCUDA, 0),
                              torch::kFloat16);
  for (int i = 0; i < 3; ++i) {
    const auto got = detector.detect(rgb);
    EXPECT_TRUE(got.is_cuda());
    EXPECT_LT((got.cpu() - want).abs().mean().item<double>(), 5e-3);
  }
}

}  // namespace
}  // namespace semcodec
