// The networks of FID and LPIPS on seeded weights, against values of pytorch-fid 0.3.0 and lpips
// 0.1.4 with the same numbers. On published weights: tests/scripts/metrics_parity_test.py compares
// features and figures at large; golden_test.cpp has LPIPS' own pairs.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "common/core/error.h"
#include "models/inception/inception.h"
#include "models/lpips/lpips.h"
#include "tests/evaluation/pictures.h"
#include "tests/models/seeded_values.h"

namespace semcodec {
namespace {

torch::Tensor tensor_of(const RgbImage& image) {
  torch::Tensor pixels = torch::empty({image.height, image.width, 3}, torch::kUInt8);
  std::copy(image.pixels.begin(), image.pixels.end(), pixels.data_ptr<std::uint8_t>());
  return pixels.permute({2, 0, 1}).unsqueeze(0).to(torch::kFloat32) / 255.0;
}

TEST(InceptionFeatures, AreThoseOfPytorchFid) {
  TensorMap weights = Inception::expected();
  ASSERT_EQ(weights.size(), 470U);
  seed_weights(weights);
  const Inception net(weights, "seeded weights");
  const torch::Tensor f = net.features(tensor_of(textured_picture(256, 256)));
  ASSERT_EQ(f.sizes(), at::IntArrayRef({1, Inception::kFeatures}));
  const double expected[][2] = {
      {0, 502.6573486}, {500, 526.9027710}, {1000, 448.4020996}, {1500, 12.98801804}, {2047, 0}};
  for (const auto& [index, value] : expected) {
    EXPECT_NEAR(f[0][static_cast<std::int64_t>(index)].item<double>(), value, 1e-4 * 500) << index;
  }
  EXPECT_NEAR(f.mean().item<double>(), 138.68996545, 1e-4 * 138);
  EXPECT_NEAR(f.std(false).item<double>(), 202.01539338, 1e-4 * 202);
  // A picture's features do not depend on what else is in the batch.
  const torch::Tensor other = tensor_of(degraded_picture(256, 256));
  const torch::Tensor both =
      net.features(torch::cat({other, tensor_of(textured_picture(256, 256))}));
  EXPECT_LT((both[1] - f[0]).abs().max().item<double>(), 1e-4 * 500);
  EXPECT_GT((both[0] - f[0]).abs().max().item<double>(), 1);
  EXPECT_THROW(net.features(torch::zeros({1, 1, 256, 256})), Error);
}

TEST(InceptionFeatures, RefuseOtherNetworks) {
  TensorMap weights = Inception::expected();
  weights["Mixed_7c.branch_pool.conv.weight"] = torch::zeros({192, 1280, 1, 1});
  EXPECT_THROW(Inception(weights, "a file"), Error);
  weights.erase("Mixed_7c.branch_pool.conv.weight");
  EXPECT_THROW(Inception(weights, "a file"), Error);
}

struct Expected {
  LpipsNet net;
  double distance;
};

class LpipsNets : public ::testing::TestWithParam<Expected> {};

TEST_P(LpipsNets, MeasureAsTheReferenceDoes) {
  const auto [net, distance] = GetParam();
  const std::string folder =
      (std::filesystem::temp_directory_path() / ("semcodec-lpips-" + std::to_string(::getpid())))
          .string();
  std::filesystem::create_directories(folder);
  TensorMap backbone = state_of(*make_backbone(net));
  seed_weights(backbone);
  save_safetensors(folder + "/backbone.safetensors", backbone);
  TensorMap heads;
  const std::vector<int>& taps = facts_of(net).taps;
  for (std::size_t i = 0; i < taps.size(); ++i) {
    heads["lin" + std::to_string(i) + ".model.1.weight"] =
        seeded_values({1, taps[i], 1, 1}, static_cast<std::int64_t>(i), 0, 1);
  }
  save_safetensors(folder + "/heads.safetensors", heads);
  Lpips lpips(net, folder + "/backbone.safetensors", folder + "/heads.safetensors");
  const torch::Tensor a = tensor_of(textured_picture(96, 67));
  const torch::Tensor b = tensor_of(degraded_picture(96, 67));
  EXPECT_NEAR(lpips.forward(a, b).item<double>(), distance, 1e-4 * distance);
  EXPECT_EQ(lpips.forward(a, a).item<double>(), 0);
  const LpipsNet other = net == LpipsNet::alex ? LpipsNet::vgg : LpipsNet::alex;
  EXPECT_THROW(Lpips(other, folder + "/backbone.safetensors", folder + "/heads.safetensors"),
               Error);
  std::filesystem::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Nets, LpipsNets,
                         ::testing::Values(Expected{LpipsNet::squeeze, 0.0333695},
                                           Expected{LpipsNet::alex, 0.0294459},
                                           Expected{LpipsNet::vgg, 0.0167164}),
                         [](const auto& given) { return facts_of(given.param.net).name; });

}  // namespace
}  // namespace semcodec
