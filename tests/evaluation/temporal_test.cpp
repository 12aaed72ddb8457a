// Motion error, flicker, warping error and clip sums, on motion that is known.

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "evaluation/clip_metrics.h"
#include "evaluation/report.h"
#include "evaluation/temporal.h"
#include "pictures.h"

namespace semcodec {
namespace {

constexpr int kWidth = 192;
constexpr int kHeight = 128;

RgbImage at(double shift) { return moving_picture(kWidth, kHeight, shift, 0.5 * shift); }

/// `frames` of a source that moves by (2, 1) a frame; the output shows what `shown(i)` says.
template <typename Shown>
std::vector<FramePair> clip(int frames, const Shown& shown) {
  std::vector<FramePair> pairs(static_cast<std::size_t>(frames));
  for (int i = 0; i < frames; ++i) {
    FramePair& pair = pairs[static_cast<std::size_t>(i)];
    pair.source = {0.04 * i, at(2.0 * i)};
    pair.output = at(shown(i));
    pair.follows = i > 0;
  }
  return pairs;
}

ClipScores temporal_scores(const std::vector<FramePair>& pairs, int threads = 1) {
  ClipMetrics metrics(parse_metrics("motion,flicker,warping"), threads);
  metrics.add(pairs);
  return metrics.scores();
}

TEST(Flow, FindsAKnownShift) {
  use_one_opencv_thread();
  FlowEstimator estimator;
  const cv::Mat flow = estimator.estimate(grey_of(at(0)), grey_of(at(2)));
  const cv::Mat middle = flow(cv::Rect(32, 32, kWidth - 64, kHeight - 64));
  const cv::Scalar mean = cv::mean(middle);
  EXPECT_NEAR(mean[0], 2, 0.1);
  EXPECT_NEAR(mean[1], 1, 0.1);
}

TEST(Flow, RefusesSmallPictures) {
  FlowEstimator estimator;
  EXPECT_THROW(estimator.estimate(cv::Mat::zeros(31, 64, CV_8UC1), cv::Mat::zeros(31, 64, CV_8UC1)),
               Error);
}

TEST(StrongestGradients, KeepsTheShareAskedFor) {
  const cv::Mat mask = strongest_gradients(grey_of(textured_picture(100, 80)), 0.15);
  const double share = cv::countNonZero(mask) / 8000.0;
  EXPECT_GE(share, 0.15);
  EXPECT_LT(share, 0.17);
  // A flat picture has no strongest pixel: all count.
  EXPECT_EQ(cv::countNonZero(strongest_gradients(cv::Mat::zeros(40, 40, CV_8UC1), 0.15)), 1600);
}

TEST(MotionError, IsZeroForTheSourceItself) {
  const ClipScores s = temporal_scores(clip(4, [](int i) { return 2.0 * i; }));
  EXPECT_EQ(*s.motion_error, 0);
  EXPECT_EQ(*s.flicker, 0);
  EXPECT_EQ(*s.warping_error, *s.source_warping_error);
  EXPECT_EQ(s.consecutive_pairs, 3);
  EXPECT_NEAR(*s.source_motion_pixels, std::sqrt(5.0), 0.15);
}

TEST(MotionError, IsOneForAStillPictureAndHalfForHalfTheMotion) {
  const ClipScores still = temporal_scores(clip(4, [](int) { return 0.0; }));
  EXPECT_NEAR(*still.motion_error, 1, 0.02);
  EXPECT_GT(*still.flicker, 1);
  const ClipScores half = temporal_scores(clip(4, [](int i) { return 1.0 * i; }));
  EXPECT_NEAR(*half.motion_error, 0.5, 0.05);
  // A still picture does not follow the source's motion; the source does.
  EXPECT_GT(*still.warping_error, 5 * *still.source_warping_error);
}

TEST(MotionError, IsNotDefinedWithoutMotion) {
  auto pairs = clip(3, [](int) { return 0.0; });
  for (FramePair& pair : pairs) pair.source.image = at(0);
  const ClipScores s = temporal_scores(pairs);
  EXPECT_FALSE(s.motion_error.has_value());
  EXPECT_LT(*s.motion_error_pixels, 0.02);
}

TEST(Flicker, CountsBrightnessThatTheSourceDoesNotChange) {
  auto pairs = clip(5, [](int) { return 0.0; });
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i].source.image = RgbImage(kWidth, kHeight);
    pairs[i].output = RgbImage(kWidth, kHeight);
    for (auto& v : pairs[i].output.pixels) v = i % 2 == 0 ? 100 : 110;
  }
  EXPECT_DOUBLE_EQ(*temporal_scores(pairs).flicker, 10);
}

TEST(ClipMetrics, DoNotDependOnThreadsOrBatches) {
  auto pairs = clip(9, [](int i) { return 1.5 * i; });
  const MetricChoice choice = parse_metrics("all");
  ClipMetrics one(choice, 1);
  one.add(pairs);
  ClipMetrics many(choice, 4);
  many.add({pairs.begin(), pairs.begin() + 4});
  many.add({pairs.begin() + 4, pairs.begin() + 5});
  many.add({pairs.begin() + 5, pairs.end()});
  EXPECT_EQ(*one.scores().motion_error, *many.scores().motion_error);
  EXPECT_EQ(*one.scores().warping_error, *many.scores().warping_error);
  EXPECT_EQ(*one.scores().ssim, *many.scores().ssim);
  EXPECT_EQ(*one.scores().psnr, *many.scores().psnr);
  EXPECT_EQ(*one.scores().psnr_yuv, *many.scores().psnr_yuv);
  EXPECT_EQ(one.scores().consecutive_pairs, 8);
  EXPECT_EQ(many.scores().consecutive_pairs, 8);
}

TEST(ClipMetrics, LeaveOutPairsAcrossAGap) {
  auto pairs = clip(5, [](int i) { return 2.0 * i; });
  pairs[2].follows = false;
  EXPECT_EQ(temporal_scores(pairs).consecutive_pairs, 3);
}

TEST(ClipMetrics, PassOnErrorsOfTheirThreads) {
  auto pairs = clip(6, [](int i) { return 2.0 * i; });
  pairs[3].output = RgbImage(kWidth, kHeight - 1);
  ClipMetrics metrics(parse_metrics("psnr"), 3);
  EXPECT_THROW(metrics.add(pairs), Error);
}

TEST(ParseMetrics, TakesListsAndRefusesOthers) {
  const MetricChoice choice = parse_metrics("ssim,motion");
  EXPECT_TRUE(choice.ssim && choice.temporal.motion);
  EXPECT_FALSE(choice.psnr || choice.perceptual[0] || choice.temporal.flicker || choice.gmsd);
  EXPECT_THROW(parse_metrics("psnr,vmaf"), Error);
  EXPECT_THROW(parse_metrics(""), Error);
}

TEST(Report, HasNullForWhatIsNotThere) {
  EvaluationReport report;
  report.width = 100;
  report.height = 50;
  report.seconds = 4;
  report.source_frames = 100;
  report.stream_bytes = 1000;
  report.scores.psnr = 30;
  const auto j = nlohmann::json::parse(to_json(report));
  EXPECT_DOUBLE_EQ(j["kbps"].get<double>(), 2.0);
  EXPECT_DOUBLE_EQ(j["bpp"].get<double>(), 8000.0 / (100 * 100 * 50));
  EXPECT_DOUBLE_EQ(j["psnr"].get<double>(), 30.0);
  EXPECT_TRUE(j["lpips_squeeze"].is_null());
  EXPECT_EQ(to_table(report).find("LPIPS"), std::string::npos);
  EXPECT_NE(to_table(report).find("30.000"), std::string::npos);
  for (const char* key :
       {"lpips_alex", "lpips_vgg", "dists", "fid", "kid", "kid_std", "fd_squeezenet"}) {
    EXPECT_TRUE(j[key].is_null()) << key;
  }
  report.scores.patches.patches = 42;
  report.scores.patches.fid = 17.5;
  report.scores.perceptual[1] = 0.25;
  const auto filled = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(filled["patches"], 42);
  EXPECT_EQ(filled["fid"], 17.5);
  EXPECT_EQ(filled["lpips_alex"], 0.25);
  EXPECT_NE(to_table(report).find("42 patches of 256x256"), std::string::npos);
}

}  // namespace
}  // namespace semcodec
