// The kernels on pair planes, at every level that the CPU has, against loops in plain C++.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "common/core/error.h"
#include "common/cpu/edge_kernels.h"
#include "common/cpu/generator_kernels.h"
#include "models/generator/generator_layers.h"
#include "tests/cpu/levels.h"

namespace semcodec {
namespace {

using cpu::Dot;
using cpu::Level;
using cpu::Planes;

constexpr std::uint32_t kUntouched = 0xdeadbeef;

float float_of(std::uint32_t word, int lane) {
  return std::bit_cast<float>(lane == 0 ? word << 16 : word & 0xffff0000U);
}

class PairKernels : public LevelTest {
 protected:
  const generate::Kernels& generate() const { return cpu::generator_kernels(); }
  const cpu::EdgeKernels& edges() const { return cpu::edge_kernels(); }

  std::mt19937 random_{5};

  float uniform() { return std::uniform_real_distribution<float>(-2, 2)(random_); }
  /// Exact in bfloat16, so that every level multiplies the same numbers.
  float eighths() {
    return static_cast<float>(std::uniform_int_distribution<int>(-12, 12)(random_)) / 8;
  }

  Planes random_planes(int pair_count, int width, int height, int border) {
    Planes planes(pair_count, width, height, border);
    for (int p = 0; p < pair_count; ++p) {
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) *planes.at(p, y, x) = cpu::pack_pair(uniform(), uniform());
      }
    }
    return planes;
  }
};

float value_of(const Planes& planes, int channel, int y, int x) {
  return float_of(*planes.at(channel / 2, y, x), channel % 2);
}

TEST_P(PairKernels, PackingRoundsToTheNearestEvenWordAndKeepsToTheRow) {
  for (const int width : {1, 7, 8, 15, 16, 17, 31, 33, 64, 77}) {
    std::vector<float> a, b;
    for (int i = 0; i < width; ++i) {
      // Ties in both directions, their neighbours, and anything.
      const std::uint32_t upper = 0x3f80U + static_cast<std::uint32_t>(i);
      const std::uint32_t lower[] = {0x8000, 0x7fff, 0x8001, 0};
      a.push_back(std::bit_cast<float>(upper << 16 | lower[i % 4]));
      b.push_back(i % 3 == 0 ? -a.back() : uniform() * std::ldexp(1.0F, i - 30));
    }
    std::vector<std::uint32_t> out(static_cast<std::size_t>(width) + 40, kUntouched);
    generate().pair_rows(a.data(), b.data(), width, out.data());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const bool inside = i < a.size();
      EXPECT_EQ(out[i], inside ? cpu::pack_pair(a[i], b[i]) : kUntouched) << width << " " << i;
    }
    if (width % 2 != 0) continue;
    std::fill(out.begin(), out.end(), kUntouched);
    generate().fold_row(a.data(), width, out.data());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const bool inside = 2 * i < a.size();
      EXPECT_EQ(out[i], inside ? cpu::pack_pair(a[2 * i], a[2 * i + 1]) : kUntouched) << width;
    }
  }
}

TEST_P(PairKernels, PhasesAreSplit) {
  const Planes x = random_planes(3, 76, 6, 1);
  Planes out(8, 38, 3, 1);
  generate().split_rows(x, 1, out, 0, 3);
  for (int p = 0; p < 2; ++p) {
    for (int phase = 0; phase < 4; ++phase) {
      for (int y = 0; y < 3; ++y) {
        for (int column = -1; column < 39; ++column) {
          const bool inside = column >= 0 && column < 38;
          const std::uint32_t want =
              inside ? *x.at(1 + p, 2 * y + phase / 2, 2 * column + phase % 2) : 0;
          ASSERT_EQ(*out.at(2 * phase + p, y, column), want) << phase << " " << column;
        }
      }
    }
  }
}

/// 3×3, inputs (pair, tap, lane).
struct Taps {
  std::vector<float> weights;  ///< outputs × channels × 9
  std::vector<float> bias;
  Dot dot;
  std::vector<std::ptrdiff_t> steps;
  double at(const Planes& x, int o, int y, int column) const {
    double sum = bias[static_cast<std::size_t>(o)];
    const int channels = 2 * x.pair_count;
    for (int c = 0; c < channels; ++c) {
      for (int tap = 0; tap < 9; ++tap) {
        sum += double{weights[static_cast<std::size_t>((o * channels + c) * 9 + tap)]} *
               value_of(x, c, y + tap / 3 - 1, column + tap % 3 - 1);
      }
    }
    return sum;
  }
};

TEST_P(PairKernels, ConvolutionsAreTheirSums) {
  // Tiles of every size; rows of whole spans and of parts of one.
  for (const auto& [count, width, shuffled] : {std::tuple{2, 32, false},
                                               {6, 5, false},
                                               {10, 40, false},
                                               {12, 24, false},
                                               {14, 70, false},
                                               {20, 33, false},
                                               {34, 16, false},
                                               {8, 40, true},
                                               {24, 17, true},
                                               {56, 66, true}}) {
    const int outputs = count, height = 3, channels = 6;
    const Planes x = random_planes(channels / 2, width, height, 1);
    Taps taps;
    for (int i = 0; i < outputs * channels * 9; ++i) taps.weights.push_back(eighths());
    for (int i = 0; i < outputs; ++i) taps.bias.push_back(uniform());
    taps.dot = Dot(
        GetParam(), outputs, channels * 9,
        [&](int o, int i) {
          return taps.weights[static_cast<std::size_t>((o * channels + i / 18 * 2 + i % 2) * 9 +
                                                       i / 2 % 9)];
        },
        shuffled ? 4 : 2);
    for (int p = 0; p < channels / 2; ++p) {
      for (int tap = 0; tap < 9; ++tap) {
        taps.steps.push_back(p * x.plane + (tap / 3 - 1) * x.stride + tap % 3 - 1);
      }
    }
    const int scale = shuffled ? 2 : 1, pair_count = outputs / (shuffled ? 8 : 2);
    const Planes residual = random_planes(pair_count, width * scale, height * scale, 1);
    Planes raw(pair_count, width * scale, height * scale, 1), active = raw;
    std::vector<float> noise(static_cast<std::size_t>(width * height * scale * scale), 0.0F);
    for (float& v : noise) v = uniform();
    std::vector<float> noise_strength(static_cast<std::size_t>(2 * pair_count));
    for (float& v : noise_strength) v = uniform();
    generate::Target target;
    target.raw = &raw;
    target.active = &active;
    target.residual = &residual;
    target.noise = noise.data();
    target.noise_strength = noise_strength.data();
    target.shuffled = shuffled;
    const generate::Input input{&x, &taps.steps, &taps.dot};
    generate().convolve(&input, 1, taps.bias.data(), target, width, height, 0,
                        generate::units_of(width, height));
    Planes curved(pair_count, width * scale, height * scale, 1);
    generate::Target gelu;
    gelu.active = &curved;
    gelu.gelu = true;
    gelu.shuffled = shuffled;
    generate().convolve(&input, 1, taps.bias.data(), gelu, width, height, 0,
                        generate::units_of(width, height));
    for (int o = 0; o < outputs; ++o) {
      for (int y = 0; y < height; ++y) {
        for (int column = 0; column < width; ++column) {
          const int row = shuffled ? 2 * y + o / 4 % 2 : y;
          const int place = shuffled ? 2 * column + o / 2 % 2 : column;
          const int c = shuffled ? o / 8 * 2 + o % 2 : o;
          const double sum = taps.at(x, o, y, column);
          const double value =
              sum + value_of(residual, c, row, place) +
              double{noise[static_cast<std::size_t>(row * width * scale + place)]} *
                  noise_strength[static_cast<std::size_t>(c)];
          // Half a step of bfloat16 (8 bits), and the rounding of sums in float.
          const auto near = [&](const Planes& got, double want) {
            EXPECT_NEAR(value_of(got, c, row, place), want, std::abs(want) / 255 + 1e-5)
                << outputs << " outputs, " << o << " at " << row << ", " << place;
          };
          near(raw, value);
          near(active, std::max(value, 0.2 * value));
          near(curved,
               0.5 * sum *
                   (1 + std::tanh(std::sqrt(2 / M_PI) * (sum + 0.044715 * sum * sum * sum))));
        }
      }
    }
    for (const Planes* planes : {&raw, &active, &curved}) {
      for (int y = -1; y <= planes->height; ++y) {
        EXPECT_EQ(*planes->at(0, y, -1), 0U);
        EXPECT_EQ(*planes->at(0, y, planes->width), 0U);
      }
    }
  }
}

TEST_P(PairKernels, PairsOfPixelsAreConvolvedWithFewerProducts) {
  for (const auto& [outputs, width] : {std::tuple{6, 32}, {12, 64}, {20, 80}, {34, 130}, {14, 6}}) {
    const int height = 3, channels = 6;
    Planes x(channels / 2, width, height, 1);
    // Small numbers of few bits: their sums and differences are exact in bfloat16, as are the sums
    // of the weights, so the result may be as exact as a plain convolution's.
    for (int p = 0; p < channels / 2; ++p) {
      for (int y = 0; y < height; ++y) {
        for (int i = 0; i < width; ++i) *x.at(p, y, i) = cpu::pack_pair(eighths(), eighths());
      }
    }
    Taps taps;
    for (int i = 0; i < outputs * channels * 9; ++i) taps.weights.push_back(eighths());
    for (int i = 0; i < outputs; ++i) taps.bias.push_back(uniform());
    const generate::Weight weight = [&](const std::string& name) {
      return name == "layer.bias" ? taps.bias : taps.weights;
    };
    const auto layer = generate::Layout{GetParam(), weight}.in_parts("layer", outputs, channels);
    Planes parts = Planes::of_lines(2 * channels, width / 2, height, 1);
    generate().pair_pixels(x, parts, 0, height);
    const Planes residual = random_planes(outputs / 2, width, height, 1);
    Planes raw(outputs / 2, width, height, 1);
    generate::Target target;
    target.raw = &raw;
    target.residual = &residual;
    generate().convolve_pairs(parts, generate::steps_of_rows(parts).data(), layer.parts.data(),
                              layer.bias.data(), target, 0, generate::units_of(width / 2, height));
    for (int o = 0; o < outputs; ++o) {
      for (int y = 0; y < height; ++y) {
        for (int column = 0; column < width; ++column) {
          const double want = taps.at(x, o, y, column) + value_of(residual, o, y, column);
          EXPECT_NEAR(value_of(raw, o, y, column), want, std::abs(want) / 255 + 1e-4)
              << outputs << " outputs, " << o << " at " << y << ", " << column;
        }
        EXPECT_EQ(*raw.at(o / 2, y, -1), 0U);
        EXPECT_EQ(*raw.at(o / 2, y, width), 0U);
      }
    }
  }
}

TEST_P(PairKernels, AttentionIsTheSoftmaxOfProducts) {
  for (const auto& [tokens, heads, channels] :
       {std::tuple{40, 2, 24}, {7, 1, 10}, {65, 3, 32}, {32, 1, 8}}) {
    const int all = heads * channels;
    const Planes qkv = random_planes(3 * all / 2, tokens, 1, 0);
    Planes out(all / 2, tokens, 1, 0);
    generate().attend(qkv, heads, out, 0, generate::units_of(tokens, heads));
    for (int head = 0; head < heads; ++head) {
      for (int t = 0; t < tokens; ++t) {
        std::vector<double> share;
        double top = -1e9, total = 0;
        for (int j = 0; j < tokens; ++j) {
          double sum = 0;
          for (int c = 0; c < channels; ++c) {
            sum += double{value_of(qkv, head * channels + c, 0, t)} *
                   value_of(qkv, all + head * channels + c, 0, j);
          }
          share.push_back(sum / std::sqrt(channels));
          top = std::max(top, share.back());
        }
        for (double& v : share) total += v = std::exp(v - top);
        for (int c = 0; c < channels; ++c) {
          double want = 0;
          for (int j = 0; j < tokens; ++j) {
            want += share[static_cast<std::size_t>(j)] / total *
                    value_of(qkv, 2 * all + head * channels + c, 0, j);
          }
          // The shares are bfloat16, as is the result; values are at most 2.
          EXPECT_NEAR(value_of(out, head * channels + c, 0, t), want, 2.0 / 256 + 1e-4) << tokens;
        }
      }
    }
  }
}

TEST_P(PairKernels, EdgeKernelsAreTheirFormulas) {
  std::vector<float> values, want;
  for (int i = 0; i < 77; ++i) values.push_back(static_cast<float>(i - 38) * 2.1F);
  for (const float v : values) want.push_back(1 / (1 + std::exp(-v)));
  const std::size_t last = values.size() - 1;
  edges().sigmoid(values.data(), static_cast<int>(last));
  for (std::size_t i = 0; i < last; ++i) EXPECT_NEAR(values[i], want[i], 1e-6) << i;
  EXPECT_EQ(values[last], 38 * 2.1F);  // not asked for

  const Planes x = random_planes(2, 46, 8, 2);
  Planes pooled(2, 23, 4, 2);
  edges().pool_rows(x, pooled, 0, 4);
  for (int c = 0; c < 4; ++c) {
    for (int y = 0; y < 4; ++y) {
      for (int column = 0; column < 23; ++column) {
        float most = -10;
        for (int i = 0; i < 4; ++i) {
          most = std::max(most, value_of(x, c, 2 * y + i / 2, 2 * column + i % 2));
        }
        ASSERT_EQ(value_of(pooled, c, y, column), most);
      }
      ASSERT_EQ(*pooled.at(c / 2, y, 23), 0U);
    }
  }

  const float bias[] = {0.5F, -0.25F};
  std::vector<float> weights;
  for (int i = 0; i < 8; ++i) weights.push_back(eighths());
  const Dot narrow(GetParam(), 2, 4,
                   [&](int o, int i) { return weights[static_cast<std::size_t>(4 * o + i)]; });
  Planes out(1, 46, 8, 11);
  edges().narrow_rows(x, narrow, bias, out, 0, 8);
  for (int o = 0; o < 2; ++o) {
    for (int column = 0; column < 46; ++column) {
      double sum = bias[o];
      for (int c = 0; c < 4; ++c) {
        sum += double{weights[static_cast<std::size_t>(4 * o + c)]} *
               std::max(value_of(x, c, 5, column), 0.0F);
      }
      ASSERT_NEAR(value_of(out, o, 5, column), sum, std::abs(sum) / 255 + 1e-5) << column;
    }
  }

  // A depthwise kernel of three taps and the 1x1 behind it, with the shortcut of a block.
  cpu::Depthwise depthwise;
  depthwise.dx = {-1, 0, 2};
  depthwise.dy = {-1, 1, 1};
  std::vector<float> taps;  // pair, tap, lane
  for (int i = 0; i < 12; ++i) {
    taps.push_back(eighths());
    depthwise.words.push_back(cpu::lane_word(GetParam(), taps.back(), i % 2));
  }
  std::vector<float> mix;
  for (int i = 0; i < 16; ++i) mix.push_back(eighths());
  const Dot pointwise(GetParam(), 4, 4,
                      [&](int o, int i) { return mix[static_cast<std::size_t>(4 * o + i)]; });
  Planes block(2, 46, 8, 2);
  edges().block_rows(x, depthwise, pointwise, nullptr, nullptr, block, 0, 8);
  for (int o = 0; o < 4; ++o) {
    for (int column = 0; column < 46; ++column) {
      double sum = value_of(x, o, 4, column), most = 0;
      for (int c = 0; c < 4; ++c) {
        double inner = 0;
        for (std::size_t t = 0; t < 3; ++t) {
          inner += double{taps[static_cast<std::size_t>(c / 2) * 6 + 2 * t +
                               static_cast<std::size_t>(c % 2)]} *
                   value_of(x, c, 4 + depthwise.dy[t], column + depthwise.dx[t]);
        }
        inner = std::max(inner, 0.0);
        most = std::max(most, std::abs(inner * mix[static_cast<std::size_t>(4 * o + c)]));
        sum += inner * mix[static_cast<std::size_t>(4 * o + c)];
      }
      // What the depthwise part gives is rounded to bfloat16 too.
      ASSERT_NEAR(value_of(block, o, 4, column), sum, (std::abs(sum) + 4 * most) / 255) << column;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, PairKernels, every_level(), level_name);

}  // namespace
}  // namespace semcodec
