// Metrics of single pictures against values of the reference tools on the same pictures:
// scikit-image 0.26.0 (PSNR, SSIM), pytorch-msssim 1.0.0 (MS-SSIM), piq 0.8.0 (GMSD), NumPy by the
// definition in pixel_error.h (6:1:1 PSNR).

#include <gtest/gtest.h>

#include "common/core/error.h"
#include "evaluation/clip_metrics.h"
#include "evaluation/gmsd.h"
#include "evaluation/patches.h"
#include "evaluation/pixel_error.h"
#include "evaluation/ssim.h"
#include "pictures.h"

namespace semcodec {
namespace {

struct Expected {
  int width, height;
  double mse, psnr, ssim, gmsd, yuv;
};

constexpr Expected kEven{208,         192,         279.137970753, 23.672614439,
                         0.906535263, 0.026678352, 27.001293064};
constexpr Expected kOdd{61,          47,          278.215672596, 23.686987696,
                        0.876625304, 0.024207133, 27.109824390};

class References : public testing::TestWithParam<Expected> {};

TEST_P(References, AreMatched) {
  const Expected& e = GetParam();
  const RgbImage a = textured_picture(e.width, e.height);
  const RgbImage b = degraded_picture(e.width, e.height);
  EXPECT_NEAR(mean_squared_error(a, b), e.mse, 1e-8);
  EXPECT_NEAR(psnr_from_mse(mean_squared_error(a, b)), e.psnr, 1e-8);
  EXPECT_NEAR(ssim(a, b), e.ssim, 1e-5);
  EXPECT_NEAR(gmsd(a, b), e.gmsd, 1e-6);
  EXPECT_NEAR(weighted_yuv_psnr(yuv_psnr(a, b)), e.yuv, 1e-7);
}
INSTANTIATE_TEST_SUITE_P(Sizes, References, testing::Values(kEven, kOdd));

TEST(MsSsim, MatchesTheReference) {
  const auto value = ms_ssim(textured_picture(208, 192), degraded_picture(208, 192));
  ASSERT_TRUE(value.has_value());
  EXPECT_NEAR(*value, 0.982267301, 2e-5);
  EXPECT_NEAR(*ms_ssim(textured_picture(181, 179), degraded_picture(181, 179)), 0.979239739, 2e-5);
}

TEST(MsSsim, HasNoValueForSmallPictures) {
  EXPECT_FALSE(ms_ssim(textured_picture(175, 200), textured_picture(175, 200)).has_value());
  EXPECT_TRUE(ms_ssim(textured_picture(176, 176), textured_picture(176, 176)).has_value());
}

TEST(Metrics, OfEqualPicturesAreTheirBest) {
  const RgbImage a = textured_picture(180, 179);
  EXPECT_EQ(mean_squared_error(a, a), 0);
  EXPECT_EQ(psnr_from_mse(0), kPsnrCeiling);
  EXPECT_EQ(weighted_yuv_psnr(yuv_psnr(a, a)), kPsnrCeiling);
  EXPECT_NEAR(ssim(a, a), 1, 1e-12);
  EXPECT_NEAR(*ms_ssim(a, a), 1, 1e-12);
  EXPECT_EQ(gmsd(a, a), 0);
}

TEST(Metrics, AreSymmetric) {
  const RgbImage a = textured_picture(64, 48);
  const RgbImage b = degraded_picture(64, 48);
  EXPECT_EQ(mean_squared_error(a, b), mean_squared_error(b, a));
  EXPECT_NEAR(ssim(a, b), ssim(b, a), 1e-12);
  EXPECT_NEAR(gmsd(a, b), gmsd(b, a), 1e-12);
}

TEST(Metrics, RefuseDifferentSizes) {
  const RgbImage a = textured_picture(32, 32);
  const RgbImage b = textured_picture(32, 31);
  EXPECT_THROW(mean_squared_error(a, b), Error);
  EXPECT_THROW(yuv_psnr(a, b), Error);
  EXPECT_THROW(ssim(a, b), Error);
  EXPECT_THROW(ms_ssim(a, b), Error);
  EXPECT_THROW(gmsd(a, b), Error);
  EXPECT_THROW(mean_squared_error(RgbImage(), RgbImage()), Error);
}

TEST(Patches, FillBothGridsAndLeaveOutTheRest) {
  using Places = std::vector<PatchPlace>;
  EXPECT_EQ(patch_places(512, 256), (Places{{0, 0}, {256, 0}}));
  EXPECT_EQ(patch_places(384, 400), (Places{{0, 0}, {128, 128}}));
  EXPECT_EQ(patch_places(640, 384), (Places{{0, 0}, {256, 0}, {128, 128}, {384, 128}}));
  EXPECT_TRUE(patch_places(1920, 255).empty());
  // 7 x 4 of the first grid, 7 x 3 of the second.
  EXPECT_EQ(patch_places(1920, 1080).size(), 28U + 21U);
}

TEST(ParseMetrics, TakesNamesAndNamesThem) {
  const MetricChoice all = parse_metrics("all");
  EXPECT_TRUE(all.any_plain() && all.patches.any() && all.perceptual[2]);
  const MetricChoice some = parse_metrics("lpips-vgg,kid");
  EXPECT_FALSE(some.any_plain() || some.patches.fid || some.patches.fd_squeezenet);
  EXPECT_TRUE(some.patches.kid && some.perceptual[2] && !some.perceptual[0] && !some.perceptual[1]);
  for (const std::string& name : metric_names()) EXPECT_NO_THROW(parse_metrics(name));
  for (const char* wrong : {"", "fid,vmaf", "vmaf", "all,fid"}) {
    EXPECT_THROW(parse_metrics(wrong), Error) << wrong;
  }
}

TEST(Ssim, RefusesPicturesSmallerThanItsWindow) {
  EXPECT_THROW(ssim(textured_picture(10, 40), textured_picture(10, 40)), Error);
  EXPECT_NEAR(ssim(textured_picture(11, 11), textured_picture(11, 11)), 1, 1e-12);
}

}  // namespace
}  // namespace semcodec
