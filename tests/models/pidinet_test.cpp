// PiDiNet against formulations that share nothing with it: pixel differences written out pixel by
// pixel, and values of a network with weights from a formula, computed by unfolded code elsewhere.

#include "models/pidinet/pidinet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "common/core/error.h"
#include "common/cpu/pair_planes.h"
#include "models/core/weights_path.h"
#include "models/pidinet/edge_detector.h"
#include "tests/cpu/levels.h"

namespace semcodec {
namespace {

using Point = std::array<int, 2>;

/// A picture with gradients, a fine texture and a chessboard, values 0..1.
torch::Tensor formula_picture(int height, int width) {
  torch::Tensor picture = torch::empty({1, 3, height, width});
  auto at = picture.accessor<float, 4>();
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      at[0][0][y][x] = static_cast<float>((x * 7 + y * 3) % 32) / 31.0F;
      at[0][1][y][x] = static_cast<float>((x * y) % 17) / 16.0F;
      at[0][2][y][x] = static_cast<float>((x / 8 + y / 8) % 2);
    }
  }
  return picture;
}

/// Weights that need no random generator: sin(0.7 i + length of the name) * 1.5 / sqrt(fan in).
void formula_weights(PiDiNet& net) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_of(*net)) {
    const auto count = tensor.numel();
    const double fan =
        std::max<double>(1, static_cast<double>(count) / static_cast<double>(tensor.size(0)));
    const torch::Tensor i = torch::arange(count, torch::kFloat64);
    torch::Tensor target = tensor;
    target.copy_((torch::sin(i * 0.7 + static_cast<double>(name.size())) * (1.5 / std::sqrt(fan)))
                     .view(tensor.sizes()));
  }
}

/// One pixel-difference convolution of one channel, pixel by pixel, zeros outside.
double difference_at(const std::array<std::array<double, 9>, 9>& picture,
                     const std::array<double, 9>& w, PixelDifference kind, int y, int x) {
  const auto pixel = [&](int dy, int dx) {
    const int row = y + dy, column = x + dx;
    const bool inside = row >= 0 && row < 9 && column >= 0 && column < 9;
    return inside ? picture[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] : 0.0;
  };
  // The ring of neighbours clockwise from the upper left, and each one's place in the kernel.
  constexpr std::array<Point, 8> kRing = {
      {{-1, -1}, {-1, 0}, {-1, 1}, {0, 1}, {1, 1}, {1, 0}, {1, -1}, {0, -1}}};
  const auto place = [](const Point& p) {
    return static_cast<std::size_t>((p[0] + 1) * 3 + p[1] + 1);
  };
  double sum = 0;
  if (kind == PixelDifference::cv) sum = w[4] * pixel(0, 0);
  for (std::size_t i = 0; i < 8; ++i) {
    const Point here = kRing[i];
    const double value = pixel(here[0], here[1]);
    switch (kind) {
      case PixelDifference::cv:
        sum += w[place(here)] * value;
        break;
      case PixelDifference::cd:
        sum += w[place(here)] * (value - pixel(0, 0));
        break;
      case PixelDifference::ad: {
        const Point next = kRing[(i + 1) % 8];
        sum += w[place(here)] * (value - pixel(next[0], next[1]));
        break;
      }
      case PixelDifference::rd: {
        // The eight pairs in reading order have weights 1 .. 8.
        const std::size_t reading = place(here) < 4 ? place(here) + 1 : place(here);
        sum += w[reading] * (pixel(2 * here[0], 2 * here[1]) - value);
        break;
      }
    }
  }
  return sum;
}

TEST(PixelDifferences, FoldedKernelsAreTheDifferencesWrittenOut) {
  std::array<std::array<double, 9>, 9> picture{};
  torch::Tensor tensor = torch::empty({1, 1, 9, 9}, torch::kFloat64);
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 9; ++x) {
      const double value = ((3 * x + 5 * y + x * y) % 11) / 10.0;
      picture[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] = value;
      tensor[0][0][y][x] = value;
    }
  }
  const std::array<double, 9> w = {0.3, -1.2, 0.7, 2.1, -0.4, 0.9, -1.7, 0.2, 1.1};
  const torch::Tensor weight =
      torch::tensor(at::ArrayRef<double>(w.data(), w.size()), torch::kFloat64).view({1, 1, 3, 3});
  for (const auto kind :
       {PixelDifference::cd, PixelDifference::ad, PixelDifference::rd, PixelDifference::cv}) {
    const torch::Tensor kernel = fold_kernel(weight, kind);
    const torch::Tensor result = torch::conv2d(tensor, kernel, {}, 1, kernel.size(2) / 2);
    for (int y = 0; y < 9; ++y) {
      for (int x = 0; x < 9; ++x) {
        EXPECT_NEAR(result[0][0][y][x].item<double>(), difference_at(picture, w, kind, y, x), 1e-12)
            << "kind " << static_cast<int>(kind) << " at " << y << ", " << x;
      }
    }
  }
}

TEST(PixelDifferences, GradientsReachTheUnfoldedWeights) {
  for (const auto kind : {PixelDifference::cd, PixelDifference::ad, PixelDifference::rd}) {
    const torch::Tensor weight = torch::ones({2, 1, 3, 3}).requires_grad_();
    (fold_kernel(weight, kind) *
     torch::rand({2, 1, kind == PixelDifference::rd ? 5 : 3, kind == PixelDifference::rd ? 5 : 3}))
        .sum()
        .backward();
    EXPECT_GT(weight.grad().abs().sum().item<float>(), 0);
  }
}

constexpr std::array<Point, 5> kPoints = {{{0, 0}, {7, 11}, {20, 28}, {39, 55}, {13, 50}}};

void expect_values(const torch::Tensor& map, const std::array<double, 5>& values, double mean) {
  for (std::size_t i = 0; i < kPoints.size(); ++i) {
    EXPECT_NEAR(map[0][0][kPoints[i][0]][kPoints[i][1]].item<double>(), values[i], 2e-5) << i;
  }
  EXPECT_NEAR(map.mean().item<double>(), mean, 2e-5);
}

TEST(PiDiNet, FormulaWeightsGiveTheFiveKnownMaps) {
  PiDiNet net(PiDiNetConfig::named("tiny"));
  formula_weights(net);
  const torch::NoGradGuard no_grad;
  const auto maps = net->forward_all(formula_picture(40, 56));
  ASSERT_EQ(maps.size(), 5U);
  expect_values(maps[0], {0.248156, 0.183100, 0.199985, 0.187325, 0.195969}, 0.194089);
  expect_values(maps[1], {0.582148, 0.483729, 0.150988, 0.143838, 0.192893}, 0.188442);
  expect_values(maps[2], {0.000642, 0.027823, 0.875327, 0.213876, 0.918566}, 0.587642);
  expect_values(maps[3], {0.905559, 0.895530, 0.834087, 0.574670, 0.945769}, 0.803765);
  expect_values(maps[4], {0.987427, 0.974812, 0.943853, 0.976675, 0.937884}, 0.950466);
}

TEST(PiDiNet, OfficialWeightsGiveTheKnownValues) {
  const struct {
    const char* name;
    std::array<double, 5> values;
    double mean;
  } cases[] = {
      {"pidinet", {0.023617, 0.000004, 0.000019, 0.563934, 0.000675}, 0.024203},
      {"pidinet-small", {0.011611, 0.000115, 0.000112, 0.360166, 0.006331}, 0.027130},
      {"pidinet-tiny", {0.002810, 0.000006, 0.000000, 0.019521, 0.000290}, 0.020135},
  };
  for (const auto& known : cases) {
    const auto path = find_weights(known.name);
    if (!path) GTEST_SKIP() << missing_weights(known.name);
    const EdgeDetector detector(*path, torch::kCPU, torch::kFloat32);
    SCOPED_TRACE(known.name);
    expect_values(detector.detect(formula_picture(40, 56)), known.values, known.mean);
  }
}

TEST(PiDiNet, SizesHaveTheirParameterCounts) {
  const std::pair<const char*, std::int64_t> sizes[] = {
      {"full", 710149}, {"small", 183763}, {"tiny", 84477}};
  for (const auto& [name, expected] : sizes) {
    std::int64_t count = 0;
    PiDiNet net(PiDiNetConfig::named(name));
    for (const auto& parameter : net->parameters()) count += parameter.numel();
    EXPECT_EQ(count, expected) << name;
  }
  EXPECT_THROW(PiDiNetConfig::named("huge"), Error);
}

TEST(PiDiNet, TheConfigurationIsReadOffTheCheckpoint) {
  for (const char* name : {"full", "small", "tiny", "tiny-l"}) {
    const PiDiNetConfig config = PiDiNetConfig::named(name);
    const PiDiNetConfig read = PiDiNetConfig::of(state_of(*PiDiNet(config)), "a file");
    EXPECT_EQ(read.channels, config.channels);
    EXPECT_EQ(read.dilation, config.dilation);
    EXPECT_EQ(read.attention, config.attention);
  }
  EXPECT_THROW(PiDiNetConfig::of({{"x", torch::ones(1)}}, "a file"), Error);
}

TEST(EdgeDetector, IsTheNetworkInEveryVariantAndAtOddSizes) {
  torch::manual_seed(7);
  for (const char* name : {"tiny", "tiny-l", "small"}) {
    PiDiNet net(PiDiNetConfig::named(name));
    const EdgeDetector detector(net, torch::kCPU, torch::kFloat32);
    for (const auto [height, width] : {Point{8, 8}, Point{33, 47}, Point{64, 40}}) {
      const torch::NoGradGuard no_grad;
      const torch::Tensor picture = torch::rand({2, 3, height, width});
      const torch::Tensor expected = net->forward(picture);
      const torch::Tensor map = detector.detect(picture);
      ASSERT_EQ(map.sizes(), at::IntArrayRef({2, 1, height, width}));
      EXPECT_LT((map - expected).abs().max().item<double>(), 1e-5) << name;
    }
  }
}

TEST(EdgeDetector, AllFiveMapsAreTheNetworks) {
  PiDiNet net(PiDiNetConfig::named("tiny"));
  formula_weights(net);
  const torch::NoGradGuard no_grad;
  const torch::Tensor picture = formula_picture(24, 40);
  const auto expected = net->forward_all(picture);
  const auto maps = EdgeDetector(net, torch::kCPU, torch::kFloat32).detect_all(picture);
  ASSERT_EQ(maps.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_LT((maps[i] - expected[i]).abs().max().item<double>(), 1e-5) << i;
  }
}

TEST(EdgeDetector, BytesAndFloatsAreTheSamePicture) {
  torch::manual_seed(8);
  const EdgeDetector detector(PiDiNet(PiDiNetConfig::named("tiny")), torch::kCPU);
  const torch::Tensor bytes = torch::randint(0, 256, {1, 3, 24, 32}, torch::kUInt8);
  const torch::Tensor floats = bytes.to(torch::kFloat32) / 255.0;
  EXPECT_TRUE(torch::equal(detector.detect(bytes), detector.detect(floats)));
}

TEST(EdgeDetector, Bf16StaysCloseToFp32) {
  torch::manual_seed(9);
  PiDiNet net(PiDiNetConfig::named("tiny"));
  const EdgeDetector exact(net, torch::kCPU, torch::kFloat32);
  const EdgeDetector fast(net, torch::kCPU, torch::kBFloat16);
  const torch::Tensor picture = formula_picture(64, 96);
  EXPECT_LT((exact.detect(picture) - fast.detect(picture)).abs().mean().item<double>(), 0.01);
}

/// By the engine (edge_engine.h), at each level that the CPU has.
class EdgeLevels : public LevelTest {};

INSTANTIATE_TEST_SUITE_P(Levels, EdgeLevels, every_level(), level_name);

TEST_P(EdgeLevels, AreUsedUnlessSinglePrecisionIsAskedFor) {
  PiDiNet net(PiDiNetConfig::named("tiny"));
  formula_weights(net);
  const torch::Tensor picture = formula_picture(33, 47);
  const torch::Tensor exact = EdgeDetector(net, torch::kCPU, torch::kFloat32).detect(picture);
  {
    const EnvironmentValue unset("SEMCODEC_DTYPE", nullptr);
    const EdgeDetector usual(net, torch::kCPU);
    const bool narrow = cpu::has_pair_products(GetParam());
    EXPECT_EQ(usual.dtype(), narrow ? torch::kBFloat16 : torch::kFloat32);
    const torch::Tensor map = usual.detect(picture);
    // At the generic level the plain modules run.
    EXPECT_EQ(torch::equal(map, exact), GetParam() == cpu::Level::generic);
    EXPECT_LT((map - exact).abs().mean().item<double>(), 0.02);
  }
  const EnvironmentValue wish("SEMCODEC_DTYPE", "fp32");
  EXPECT_TRUE(torch::equal(EdgeDetector(net, torch::kCPU).detect(picture), exact));
}

TEST_P(EdgeLevels, AreTheNetworkInEverySizeAndAtOddSizes) {
  for (const char* name : {"tiny", "small", "full", "tiny-l"}) {
    PiDiNet net(PiDiNetConfig::named(name));
    formula_weights(net);
    const EdgeDetector exact(net, torch::kCPU, torch::kFloat32);
    const EdgeDetector fast(net, torch::kCPU, torch::kBFloat16);
    for (const auto [height, width] : {Point{8, 8}, Point{33, 47}, Point{49, 70}, Point{64, 97}}) {
      const torch::NoGradGuard no_grad;
      torch::Tensor pictures =
          torch::cat({formula_picture(height, width), torch::zeros({1, 3, height, width})});
      pictures[1] = pictures[0].flip(2);
      const torch::Tensor expected = exact.detect(pictures), map = fast.detect(pictures);
      ASSERT_EQ(map.sizes(), expected.sizes());
      // Fifteen blocks of bfloat16 maps: 8 bits of mantissa each time.
      EXPECT_LT((map - expected).abs().mean().item<double>(), 0.02) << name << width;
      EXPECT_LT((map - expected).abs().max().item<double>(), 0.2) << name << width;
      const auto last = pictures.contiguous(torch::MemoryFormat::ChannelsLast);
      EXPECT_TRUE(torch::equal(fast.detect(last), map)) << name << width;
      const auto stages = fast.detect_all(pictures);
      EXPECT_LT((stages[4] - map).abs().max().item<double>(), 2e-6) << name << width;
    }
  }
}

TEST_P(EdgeLevels, GiveTheSameForAnyNumberOfThreads) {
  PiDiNet net(PiDiNetConfig::named("tiny"));
  formula_weights(net);
  const EdgeDetector detector(net, torch::kCPU, torch::kBFloat16);
  const torch::Tensor picture = formula_picture(64, 96);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const torch::Tensor one = detector.detect(picture);
  at::set_num_threads(3);
  EXPECT_TRUE(torch::equal(detector.detect(picture), one));
  at::set_num_threads(before);
}

TEST(EdgeDetector, RefusesWhatIsNoPicture) {
  const EdgeDetector detector(PiDiNet(PiDiNetConfig::named("tiny-l")), torch::kCPU);
  EXPECT_THROW(detector.detect(torch::rand({1, 1, 16, 16})), Error);
  EXPECT_THROW(detector.detect(torch::rand({1, 3, 7, 16})), Error);
  EXPECT_THROW(detector.detect(torch::rand({3, 16, 16})), Error);
}

}  // namespace
}  // namespace semcodec
