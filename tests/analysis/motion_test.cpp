// Motion estimation, planes moved along it, scene cuts.

#include "encoder/analysis/motion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "common/core/error.h"
#include "common/core/random.h"
#include "common/semantic/motion_ops.h"
#include "encoder/analysis/scene_cut.h"

namespace semcodec {
namespace {

/// A smooth random texture, defined everywhere, seen through a window at (ox, oy).
RgbImage texture(int width, int height, double ox, double oy, std::uint64_t seed = 1) {
  Random random(seed);
  struct Wave {
    double fx, fy, phase, height;
  };
  std::vector<Wave> waves;
  for (int i = 0; i < 24; ++i) {
    const double length = 6.0 + static_cast<double>(random.below(60));
    const double angle = static_cast<double>(random.below(6283)) / 1000;
    waves.push_back({std::cos(angle) * 6.283 / length, std::sin(angle) * 6.283 / length,
                     static_cast<double>(random.below(6283)) / 1000, 6 + length / 4});
  }
  RgbImage picture(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      double value = 128;
      for (const Wave& w : waves) {
        value += w.height / 3 * std::sin(w.fx * (x + ox) + w.fy * (y + oy) + w.phase);
      }
      const auto byte = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      std::fill_n(picture.row(y) + 3 * x, 3, byte);
    }
  }
  return picture;
}

/// Mean absolute error in pixels against a uniform motion, over the cells that stay inside.
double error(const MotionField& field, double dx, double dy, int margin) {
  double sum = 0;
  int count = 0;
  for (int y = margin; y < field.height - margin; ++y) {
    for (int x = margin; x < field.width - margin; ++x, ++count) {
      const auto cell = static_cast<std::size_t>(y * field.width + x);
      sum += std::max(std::fabs(field.dx[cell] / 4.0 - dx), std::fabs(field.dy[cell] / 4.0 - dy));
    }
  }
  return sum / count;
}

TEST(Motion, FindsATranslation) {
  const RgbImage previous = texture(256, 128, 0, 0);
  for (const auto& [dx, dy] : {std::pair{3.0, -2.0}, {-6.5, 1.25}, {0.0, 0.0}}) {
    const RgbImage current = texture(256, 128, dx, dy);
    const MotionField field = estimate_motion(previous, current);
    ASSERT_EQ(field.width, 16);
    ASSERT_EQ(field.height, 8);
    EXPECT_LE(error(field, dx, dy, 1), 0.25) << dx << ", " << dy;
  }
}

TEST(Motion, ChainSurvivesWhereTheDirectFlowIsLost) {
  MotionOptions options;
  options.preset = MotionOptions::Preset::ultrafast;
  constexpr int kFrames = 12;
  const MotionField direct =
      estimate_motion(texture(256, 128, 0, 0), texture(256, 128, 6.0 * kFrames, 0), options);
  MotionEstimator estimator(options);
  for (int i = 0; i <= kFrames; ++i) estimator.push(texture(256, 128, 6.0 * i, 0));
  const MotionField chain = estimator.finish();
  // Only cells whose content was in the first picture can be judged: the left 184 pixels.
  double chain_error = 0, direct_error = 0;
  int count = 0;
  for (int y = 1; y < 7; ++y) {
    for (int x = 0; x < 10; ++x, ++count) {
      const auto cell = static_cast<std::size_t>(y * 16 + x);
      chain_error += std::fabs(chain.dx[cell] / 4.0 - 72);
      direct_error += std::fabs(direct.dx[cell] / 4.0 - 72);
    }
  }
  EXPECT_LE(chain_error / count, 1.0);
  EXPECT_GT(direct_error, chain_error);
}

TEST(Motion, CodedFramesFollowEachOther) {
  MotionEstimator estimator;
  estimator.push(texture(128, 64, 0, 0));
  EXPECT_TRUE(estimator.finish().empty()) << "nothing came before the first coded frame";
  estimator.push(texture(128, 64, 2, 0));
  estimator.push(texture(128, 64, 4, 0));
  EXPECT_LE(error(estimator.finish(), 4, 0, 1), 0.25);
  estimator.push(texture(128, 64, 4, 3));
  EXPECT_LE(error(estimator.finish(), 0, 3, 1), 0.25) << "measured from the second coded frame";
  estimator.reset();
  estimator.push(texture(64, 64, 0, 0));
  EXPECT_TRUE(estimator.finish().empty());
  EXPECT_THROW(estimator.push(texture(128, 64, 0, 0)), Error);
}

TEST(Motion, ABitCostsSomething) {
  // Noise without any motion in it: free vectors chase it, costed ones stay at rest.
  RgbImage a(128, 64), b(128, 64);
  Random random(5);
  for (auto& v : a.pixels) v = static_cast<std::uint8_t>(100 + random.below(12));
  for (auto& v : b.pixels) v = static_cast<std::uint8_t>(100 + random.below(12));
  MotionOptions options;
  options.lambda = 0;
  const MotionField free = estimate_motion(a, b, options);
  options.lambda = 2;
  const MotionField costed = estimate_motion(a, b, options);
  const auto moving = [](const MotionField& f) {
    return std::ssize(f.dx) - std::count(f.dx.begin(), f.dx.end(), 0);
  };
  EXPECT_EQ(moving(costed), 0);
  EXPECT_GT(moving(free), 0);
}

TEST(PredictPlane, MovesByWholeCells) {
  Plane plane{8, 4, 32, std::vector<std::uint8_t>(32)};
  for (std::size_t i = 0; i < 32; ++i) plane.values[i] = static_cast<std::uint8_t>(i);
  MotionField field{2, 1, {0, 64}, {0, -32}};  // right half: 16 px right and 8 px up
  const Plane moved = predict_plane(plane, field, 64, 32);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 8; ++x) {
      const int sx = x < 4 ? x : std::min(x + 2, 7);
      const int sy = x < 4 ? y : std::max(y - 1, 0);
      EXPECT_EQ(moved.values[static_cast<std::size_t>(8 * y + x)], 8 * sy + sx);
    }
  }
  EXPECT_EQ(predict_plane(plane, {}, 64, 32), plane);
  EXPECT_TRUE(predict_plane({}, field, 64, 32).empty());
  field.dx.pop_back();
  EXPECT_THROW(predict_plane(plane, field, 64, 32), Error);
}

TEST(PredictPlane, RoundsToTheCellItFallsIn) {
  const Plane plane{4, 1, 4, {0, 1, 2, 3}};  // cells of 8 pixels
  const auto moved = [&](std::int16_t dx) {
    return predict_plane(plane, {1, 1, {dx}, {0}}, 32, 8).values;
  };
  EXPECT_EQ(moved(15), (std::vector<std::uint8_t>{0, 1, 2, 3}));  // 3.75 px stay in the cell
  EXPECT_EQ(moved(16), (std::vector<std::uint8_t>{1, 2, 3, 3}));  // 4 px reach the next one
  EXPECT_EQ(moved(-16), (std::vector<std::uint8_t>{0, 1, 2, 3}));
  EXPECT_EQ(moved(-17), (std::vector<std::uint8_t>{0, 0, 1, 2}));
  EXPECT_EQ(moved(-1024), (std::vector<std::uint8_t>{0, 0, 0, 0}));
}

TEST(PredictMotion, MedianAndBorders) {
  const MotionField field{3, 2, {4, 8, 12, 1, 0, 0}, {0, -4, 9, 5, 0, 0}};
  EXPECT_EQ(predict_motion(field, 0, 0), (MotionVector{0, 0}));
  EXPECT_EQ(predict_motion(field, 2, 0), (MotionVector{8, -4}));
  EXPECT_EQ(predict_motion(field, 1, 1), (MotionVector{8, 5}));  // of (1,5) (8,−4) (12,9)
  EXPECT_EQ(predict_motion(field, 0, 1), (MotionVector{4, 0}));  // of (0,0) (4,0) (8,−4)
  EXPECT_EQ(predict_motion(field, 2, 1), (MotionVector{8, 0}));  // of (0,0) (12,9) (8,−4)
}

TEST(SceneCut, CutsOnly) {
  SceneCutDetector detector;
  int cuts = 0;
  for (int i = 0; i < 40; ++i) {  // a fast pan, 5 pixels a frame at 256 wide
    const CutResult result = detector.push(texture(256, 128, 5.0 * i, 0, i < 20 ? 1 : 2));
    if (i == 20) {
      EXPECT_TRUE(result.cut);
      EXPECT_GT(result.score, 0.6F);
    } else {
      EXPECT_FALSE(result.cut) << "frame " << i << " score " << result.score;
    }
    cuts += result.cut ? 1 : 0;
  }
  EXPECT_EQ(cuts, 1);
}

TEST(SceneCut, LightAndNoiseAreNoCuts) {
  SceneCutDetector detector;
  Random random(7);
  for (int i = 0; i < 20; ++i) {
    RgbImage frame = texture(256, 128, 0, 0);
    for (auto& v : frame.pixels) {
      const int noisy = v + static_cast<int>(random.below(31)) - 15 + 3 * i;
      v = static_cast<std::uint8_t>(std::clamp(noisy, 0, 255));
    }
    const CutResult result = detector.push(frame);
    EXPECT_FALSE(result.cut) << "frame " << i << " score " << result.score;
  }
  detector.reset();
  EXPECT_FALSE(detector.push(texture(256, 128, 0, 0, 9)).cut) << "nothing came before";
}

TEST(SceneCut, BlackToPicture) {
  SceneCutDetector detector;
  detector.push(RgbImage(256, 128));
  EXPECT_FALSE(detector.push(RgbImage(256, 128)).cut);
  EXPECT_TRUE(detector.push(texture(256, 128, 0, 0)).cut);
  EXPECT_TRUE(detector.push(RgbImage(256, 128)).cut);
}

}  // namespace
}  // namespace semcodec
