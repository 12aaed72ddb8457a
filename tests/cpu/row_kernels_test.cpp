// Rows of maps, frames and pictures at every level against plain loops.

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "common/cpu/correlation_rows.h"
#include "common/cpu/frame_rows.h"
#include "common/cpu/map_rows.h"
#include "common/cpu/motion_rows.h"
#include "common/cpu/picture_rows.h"
#include "common/cpu/warp_rows.h"
#include "tests/cpu/levels.h"

namespace semcodec::cpu {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

class RowKernels : public LevelTest {
 protected:
  std::mt19937 random_{9};

  template <typename T = float>
  std::vector<T> values(std::int64_t count, double low = -2, double high = 2) {
    std::uniform_real_distribution<double> any(low, high);
    std::vector<T> out(at(count));
    for (auto& v : out) v = static_cast<T>(any(random_));
    return out;
  }
  std::vector<Bfloat> bfloats(std::int64_t count) {
    std::vector<Bfloat> out(at(count));
    for (auto& v : out) put(v, values(1)[0]);
    return out;
  }
};

TEST_P(RowKernels, LeakyReluRoundsToEven) {
  for (const std::int64_t count : {1, 7, 8, 21, 64}) {
    const auto in = values(count);
    std::vector<float> out(in.size());
    leaky_run(in.data(), out.data(), count);
    for (std::size_t i = 0; i < in.size(); ++i) EXPECT_EQ(out[i], std::max(in[i], 0.2F * in[i]));
    auto small = bfloats(count);
    const auto before = small;
    leaky_run(small.data(), small.data(), count);
    for (std::size_t i = 0; i < small.size(); ++i) {
      const float v = to_float(before[i]);
      Bfloat want;
      put(want, std::max(v, 0.2F * v));
      EXPECT_EQ(small[i].bits, want.bits) << v;
    }
  }
}

TEST_P(RowKernels, EnlargedMapsAreAddedToTheirSkip) {
  constexpr std::int64_t kWidth = 3;
  for (const std::int64_t channels : {3, 8, 13}) {
    for (const bool undo : {false, true}) {
      const auto x = values(kWidth * 4 * channels), skip = values(2 * kWidth * 2 * channels);
      std::vector<float> sum(skip.size()), active(skip.size());
      add_shuffled_row(x.data(), skip.data(), sum.data(), active.data(), kWidth, channels, undo);
      for (std::int64_t y = 0; y < 2; ++y) {
        for (std::int64_t column = 0; column < 2 * kWidth; ++column) {
          for (std::int64_t c = 0; c < channels; ++c) {
            const auto to = at((y * 2 * kWidth + column) * channels + c);
            const float before = undo ? std::min(skip[to], 5 * skip[to]) : skip[to];
            const float want =
                before + x[at(((column / 2) * 4 + 2 * y + column % 2) * channels + c)];
            EXPECT_NEAR(sum[to], want, 1e-5);
            EXPECT_NEAR(active[to], std::max(want, 0.2F * want), 1e-5);
          }
        }
      }
    }
  }
}

TEST_P(RowKernels, CorrelationAndItsGradientsAreTheirSums) {
  for (const std::int64_t channels : {5, 16, 40}) {
    const CorrelationShape s{4, 7, channels, 1, 2};
    const auto a = values(s.height * s.width * channels), b = values(s.height * s.width * channels);
    const auto grad = values(s.height * s.width * 9);
    for (std::int64_t y = 0; y < s.height; ++y) {
      std::vector<float> out(at(s.width * 9));
      correlation_row(a.data() + y * s.width * channels, b.data(), out.data(), s, y);
      std::vector<float> of_a(at(s.width * channels)), of_b(of_a.size());
      correlation_gradient_row(grad.data(), b.data(), of_a.data(), s, y, 1);
      correlation_gradient_row(grad.data(), a.data(), of_b.data(), s, y, -1);
      for (std::int64_t x = 0; x < s.width; ++x) {
        std::vector<double> want_a(at(channels)), want_b(at(channels));
        for (std::int64_t d = 0; d < 9; ++d) {
          const std::int64_t dy = (d / 3 - 1) * 2, dx = (d % 3 - 1) * 2;
          const auto inside = [&](std::int64_t py, std::int64_t px) {
            return py >= 0 && py < s.height && px >= 0 && px < s.width;
          };
          double sum = 0;
          for (std::int64_t c = 0; c < channels; ++c) {
            if (inside(y + dy, x + dx)) {
              const double other = b[at(((y + dy) * s.width + x + dx) * channels + c)];
              sum += other * a[at((y * s.width + x) * channels + c)];
              want_a[at(c)] += other * grad[at((y * s.width + x) * 9 + d)];
            }
            if (inside(y - dy, x - dx)) {
              const std::int64_t from = (y - dy) * s.width + x - dx;
              want_b[at(c)] += double{a[at(from * channels + c)]} * grad[at(from * 9 + d)];
            }
          }
          EXPECT_NEAR(out[at(x * 9 + d)], sum / static_cast<double>(channels), 1e-5);
        }
        for (std::int64_t c = 0; c < channels; ++c) {
          const double share = 1 / static_cast<double>(channels);
          EXPECT_NEAR(of_a[at(x * channels + c)], want_a[at(c)] * share, 1e-5);
          EXPECT_NEAR(of_b[at(x * channels + c)], want_b[at(c)] * share, 1e-5);
        }
      }
    }
  }
}

/// The image at (x, y), bilinear, held at the border.
double sampled(const std::vector<float>& image, std::int64_t width, std::int64_t height,
               std::int64_t channels, std::int64_t channel, double x, double y) {
  x = std::clamp(x, 0.0, static_cast<double>(width - 1));
  y = std::clamp(y, 0.0, static_cast<double>(height - 1));
  const auto x0 = static_cast<std::int64_t>(x), y0 = static_cast<std::int64_t>(y);
  const auto x1 = std::min(x0 + 1, width - 1), y1 = std::min(y0 + 1, height - 1);
  const auto pixel = [&](std::int64_t py, std::int64_t px) {
    return double{image[at((py * width + px) * channels + channel)]};
  };
  const double fx = x - static_cast<double>(x0), fy = y - static_cast<double>(y0);
  return (1 - fy) * ((1 - fx) * pixel(y0, x0) + fx * pixel(y0, x1)) +
         fy * ((1 - fx) * pixel(y1, x0) + fx * pixel(y1, x1));
}

TEST_P(RowKernels, WarpsAreBilinear) {
  constexpr std::int64_t kWidth = 37, kHeight = 6;
  auto dx = values(kWidth, -9, 9), dy = values(kWidth, -9, 9);
  dx[3] = std::numeric_limits<float>::quiet_NaN();  // has to stay inside the image, no more
  dy[20] = std::numeric_limits<float>::infinity();
  for (const std::int64_t channels : {1, 3, 19}) {
    const auto image = values(kWidth * kHeight * channels);
    RowTaps<float> taps(kWidth);
    find_taps(dx.data(), dy.data(), 2, kHeight, kWidth, taps);
    std::vector<float> out(at(kWidth * channels));
    warp_pixel_row(image.data(), out.data(), kWidth, channels, taps);
    if (channels == 1) {
      std::vector<float> plane(at(kWidth));
      warp_plane_row(image.data(), plane.data(), kWidth, taps);
      for (std::size_t x = 0; x < plane.size(); ++x) {
        if (x != 3) {
          EXPECT_NEAR(plane[x], out[x], 1e-5) << x;
        }
      }
    }
    for (std::int64_t x = 0; x < kWidth; ++x) {
      if (x == 3) continue;
      for (std::int64_t c = 0; c < channels; ++c) {
        EXPECT_NEAR(out[at(x * channels + c)],
                    sampled(image, kWidth, kHeight, channels, c, static_cast<double>(x) + dx[at(x)],
                            2 + double{dy[at(x)]}),
                    1e-4)
            << x;
      }
    }
  }
}

TEST_P(RowKernels, FramesAreWarpedAlongTheEnlargedFlow) {
  constexpr std::int64_t kWidth = 24, kHeight = 8;
  const auto pixels = values(kWidth * kHeight * 4, 0, 1);
  const std::vector<float> flow(at(2 * 2 * 6), 1.25F);  // the same everywhere, enlarged too
  std::vector<float> dx(at(kWidth)), dy(dx), out(at(4 * kWidth));
  warp_frame_row(pixels.data(), flow.data(), 3, kHeight, kWidth, dx.data(), dy.data(), out.data());
  for (std::int64_t i = 0; i < 4 * kWidth; ++i) {
    EXPECT_NEAR(out[at(i)],
                sampled(pixels, kWidth, kHeight, 4, i % 4, static_cast<double>(i / 4) + 1.25, 4.25),
                1e-5);
  }
  // A ramp of cells is a ramp of pixels between the outermost centres.
  std::vector<float> ramp(at(2 * 2 * 6));
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i % 6);
  warp_frame_row(pixels.data(), ramp.data(), 0, kHeight, kWidth, dx.data(), dy.data(), out.data());
  for (std::int64_t x = 2; x < kWidth - 2; ++x) {
    EXPECT_NEAR(dx[at(x)], (static_cast<float>(x) + 0.5F) / 4 - 0.5F, 1e-5);
  }
}

TEST_P(RowKernels, FoldedChannelsAndBlendsAgreeInAllTheirForms) {
  constexpr std::int64_t kWidth = 10, kCells = kWidth / 2;
  const auto rows = values(2 * kWidth * 4, 0, 1), other = values(2 * kWidth * 4, 0, 1);
  std::vector<float> cells(at(kCells * 12));
  fold_two_rows(rows.data(), kWidth, cells.data(), 12);
  std::vector<std::uint32_t> words(at(6 * kCells));
  fold_two_rows(rows.data(), kWidth, words.data(), kCells);
  for (std::int64_t x = 0; x < kCells; ++x) {
    for (std::int64_t c = 0; c < 12; ++c) {
      const float pixel = rows[at(4 * ((c % 4 / 2) * kWidth + 2 * x + c % 2) + c / 4)];
      EXPECT_EQ(cells[at(x * 12 + c)], pixel);
      Bfloat want;
      put(want, pixel);
      EXPECT_EQ(words[at(c / 2 * kCells + x)] >> (c % 2 == 0 ? 0 : 16) & 0xffffU, want.bits);
    }
  }
  const auto heads = bfloats(kCells * 24);
  std::vector<float> wide;
  std::vector<std::uint32_t> pairs(at(12 * kCells));
  for (const Bfloat v : heads) wide.push_back(to_float(v));
  for (std::int64_t x = 0; x < kCells; ++x) {
    for (std::int64_t c = 0; c < 24; ++c) {
      const std::uint32_t bits = heads[at(x * 24 + c)].bits;
      pairs[at(c / 2 * kCells + x)] |= c % 2 == 0 ? bits : bits << 16;
    }
  }
  constexpr float kTime = 0.3F;
  std::vector<std::uint8_t> out(at(2 * kWidth * 3)), of_bfloats(out), of_pairs(out);
  blend_two_rows(wide.data(), rows.data(), other.data(), kWidth, kTime, out.data());
  blend_two_rows(heads.data(), rows.data(), other.data(), kWidth, kTime, of_bfloats.data());
  blend_two_rows(PairChannels{pairs.data(), kCells}, rows.data(), other.data(), kWidth, kTime,
                 of_pairs.data());
  EXPECT_EQ(out, of_bfloats);
  EXPECT_EQ(out, of_pairs);
  for (std::int64_t y = 0; y < 2; ++y) {
    for (std::int64_t x = 0; x < kWidth; ++x) {
      const float* head = wide.data() + x / 2 * 24 + 2 * y + x % 2;
      const double wr = 0.25 * std::exp(head[12]), wa = (1 - kTime) * std::exp(head[16]),
                   wb = kTime * std::exp(head[20]);
      for (std::int64_t c = 0; c < 3; ++c) {
        const double a = rows[at(4 * (y * kWidth + x) + c)],
                     b = other[at(4 * (y * kWidth + x) + c)];
        const double mixed =
            (wa * a + wb * b + wr * ((1 - kTime) * a + kTime * b + head[4 * c])) / (wa + wb + wr);
        EXPECT_NEAR(out[at(3 * (y * kWidth + x) + c)], std::clamp(255 * mixed, 0.0, 255.0), 0.51);
      }
    }
  }
}

TEST_P(RowKernels, TheMotionStepSeesBothPicturesWhereTheirFlowsPoint) {
  constexpr std::int64_t kWidth = 9, kHeight = 4;
  std::vector<std::vector<float>> smalls, flows;
  MotionView view{};
  for (std::size_t i = 0; i < 2; ++i) {
    smalls.push_back(values(kWidth * kHeight * kMotionPicture));
    for (std::size_t k = 0; k < 2; ++k) flows.push_back(values(kWidth * kHeight, -20, 20));
  }
  for (std::size_t i = 0; i < 2; ++i) {
    view.small[i] = smalls[i].data();
    for (std::size_t k = 0; k < 2; ++k) view.flow[i][k] = flows[2 * i + k].data();
  }
  view.height = kHeight;
  view.width = kWidth;
  view.tau = 0.25F;
  view.interval = 0.5F;
  std::vector<float> out(at(kWidth * kMotionChannels));
  fill_motion_row(view, 1, out.data());
  std::vector<Bfloat> narrow(out.size());
  fill_motion_row(view, 1, narrow.data());
  for (std::int64_t x = 0; x < kWidth; ++x) {
    const float* cell = out.data() + x * kMotionChannels;
    for (std::size_t i = 0; i < 2; ++i) {
      const double dx = flows[2 * i][at(kWidth + x)], dy = flows[2 * i + 1][at(kWidth + x)];
      for (std::int64_t c = 0; c < kMotionPicture; ++c) {
        EXPECT_NEAR(cell[static_cast<std::int64_t>(i) * kMotionPicture + c],
                    sampled(smalls[i], kWidth, kHeight, kMotionPicture, c,
                            static_cast<double>(x) + dx / 4, 1 + dy / 4),
                    1e-4);
      }
      EXPECT_NEAR(cell[24 + 2 * i], dx / kMotionUnit, 1e-6);
      EXPECT_NEAR(cell[25 + 2 * i], dy / kMotionUnit, 1e-6);
    }
    EXPECT_EQ(cell[28], 0.25F);
    EXPECT_EQ(cell[29], 0.5F);
    for (std::int64_t c = 0; c < kMotionChannels; ++c) {
      Bfloat want;
      put(want, cell[c]);
      EXPECT_EQ(narrow[at(x * kMotionChannels + c)].bits, want.bits);
    }
  }
}

TEST_P(RowKernels, RestoredFramesAreBlended) {
  for (const std::int64_t width : {2, 18, 70}) {
    const auto cells = bfloats(width / 2 * 16);
    std::vector<float> planes(at(4 * width));
    spread_row(cells.data(), 1, width, planes.data());
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < 4; ++c) {
        EXPECT_EQ(planes[at(c * width + x)], to_float(cells[at(x / 2 * 16 + 8 + x % 2 * 4 + c)]));
      }
    }
    auto shares = values(width, -30, 30);
    const auto logits = shares;
    shares_of(shares.data(), width);
    const auto base = values(width, 0, 1), memory = values(width, 0, 1);
    std::vector<float> added(base.size()), blended(base.size());
    add_row(planes.data(), base.data(), width, added.data());
    blend_row(planes.data(), base.data(), memory.data(), shares.data(), width, blended.data());
    for (std::size_t x = 0; x < base.size(); ++x) {
      EXPECT_NEAR(shares[x], 1 / (1 + std::exp(2.0 - 4.0 * logits[x])), 2e-6);
      const double sum = double{base[x]} + planes[x];
      EXPECT_NEAR(added[x], std::clamp(sum, 0.0, 1.0), 1e-6);
      EXPECT_NEAR(blended[x], std::clamp(sum + shares[x] * (memory[x] - sum), 0.0, 1.0), 1e-5);
    }
  }
}

TEST_P(RowKernels, PicturesChangeTheirSize) {
  for (const std::int64_t width : {1, 16, 35}) {
    const auto a = values(2 * width), b = values(2 * width), c = values(width), d = values(width);
    const float* rows[] = {a.data(), b.data(), c.data(), d.data()};
    const float weights[] = {0.5F, -0.25F, 1, 2};
    std::vector<float> mixed(at(width)), means(at(width)), wide(at(width));
    mix_rows(rows, weights, width, mixed.data());
    average_row(a.data(), b.data(), width, means.data());
    std::vector<std::int64_t> index;
    for (std::int64_t i = 0; i < 4 * width; ++i) index.push_back((7 * i) % (2 * width));
    const auto taps = values(4 * width);
    enlarge_row(a.data(), index.data(), taps.data(), width, wide.data());
    for (std::int64_t x = 0; x < width; ++x) {
      const auto k = at(x);
      EXPECT_NEAR(mixed[k], 0.5 * a[k] - 0.25 * b[k] + double{c[k]} + 2.0 * d[k], 1e-5);
      EXPECT_NEAR(means[k], (double{a[2 * k]} + a[2 * k + 1] + b[2 * k] + b[2 * k + 1]) / 4, 1e-6);
      double sum = 0;
      for (std::size_t t = 4 * k; t < 4 * k + 4; ++t) sum += double{taps[t]} * a[at(index[t])];
      EXPECT_NEAR(wide[k], std::clamp(sum, 0.0, 1.0), 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, RowKernels, every_level(), level_name);

}  // namespace
}  // namespace semcodec::cpu
