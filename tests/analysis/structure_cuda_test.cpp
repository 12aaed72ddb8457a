// Thinning and pooling on CPU and GPU against a plain reference.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "common/core/error.h"
#include "common/core/random.h"
#include "encoder/analysis/cuda/structure_cuda.h"
#include "encoder/analysis/structure.h"

namespace semcodec {
namespace {

struct Map {
  int width = 0, height = 0;
  std::vector<float> values;
  double at(int x, int y) const {
    x = std::clamp(x, 0, width - 1);
    y = std::clamp(y, 0, height - 1);
    return values[static_cast<std::size_t>(y * width + x)];
  }
};

/// Soft lines and noise; 1024ths, which half precision holds exactly.
Map random_map(int width, int height, std::uint64_t seed) {
  Random random(seed);
  Map map{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double line = std::sin(x * 0.21 + y * 0.13) + std::sin(y * 0.4 - x * 0.05);
      const double value = 0.3 * (line + 1) + static_cast<double>(random.below(200)) / 1000;
      map.values.push_back(
          static_cast<float>(std::floor(std::clamp(value, 0.0, 1.0) * 1024) / 1024));
    }
  }
  return map;
}

/// thin_edges() as its comment says it, in double precision. `sure` is false where the two second
/// derivatives are so close that rounding decides the axis.
double thinned(const Map& map, int x, int y, bool* sure) {
  const auto smooth = [&](int cx, int cy) {
    double sum = 0;
    cx = std::clamp(cx, 0, map.width - 1);
    cy = std::clamp(cy, 0, map.height - 1);
    for (int dy = -4; dy <= 4; ++dy) {
      for (int dx = -4; dx <= 4; ++dx) {
        sum += (5 - std::abs(dx)) * (5 - std::abs(dy)) * map.at(cx + dx, cy + dy);
      }
    }
    return sum / 625;
  };
  const double xx = smooth(x + 1, y) - 2 * smooth(x, y) + smooth(x - 1, y);
  const double yy = smooth(x, y + 1) - 2 * smooth(x, y) + smooth(x, y - 1);
  *sure = std::abs(xx - yy) > 1e-5;
  const int dx = xx < yy ? 1 : 0, dy = 1 - dx;
  const bool first = x - dx < 0 || y - dy < 0;
  const bool last = x + dx >= map.width || y + dy >= map.height;
  const double here = map.at(x, y);
  if (!first && here < map.at(x - dx, y - dy)) return 0;
  if (!last && here <= map.at(x + dx, y + dy)) return 0;
  return here * std::min({x, y, map.width - 1 - x, map.height - 1 - y, 5}) / 5;
}

void expect_thinned(const Map& map, const std::vector<float>& lines) {
  ASSERT_EQ(lines.size(), map.values.size());
  int kept = 0, unsure = 0;
  for (int y = 0; y < map.height; ++y) {
    for (int x = 0; x < map.width; ++x) {
      bool sure = true;
      const double wanted = thinned(map, x, y, &sure);
      const float got = lines[static_cast<std::size_t>(y * map.width + x)];
      unsure += sure ? 0 : 1;
      kept += got > 0 ? 1 : 0;
      if (sure) {
        ASSERT_NEAR(got, wanted, 1e-6) << x << ", " << y;
      }
    }
  }
  EXPECT_LT(unsure, std::ssize(lines) / 20 + 5);
  if (map.width > 20) {
    EXPECT_GT(kept, 0);
  }
}

void expect_pooled(const Map& map, const std::vector<float>& cells, int columns, int rows,
                   Pooling pooling) {
  ASSERT_EQ(std::ssize(cells), columns * rows);
  for (int i = 0; i < columns * rows; ++i) {
    double most = 0, sum = 0;
    int count = 0;
    for (int y = map.height * (i / columns) / rows; y < map.height * (i / columns + 1) / rows;
         ++y) {
      for (int x = map.width * (i % columns) / columns; x < map.width * (i % columns + 1) / columns;
           ++x, ++count) {
        most = std::max(most, map.at(x, y));
        sum += map.at(x, y);
      }
    }
    ASSERT_NEAR(cells[static_cast<std::size_t>(i)], pooling == Pooling::max ? most : sum / count,
                1e-5);
  }
}

constexpr std::pair<int, int> kSizes[] = {{200, 110}, {64, 40}, {101, 37}, {33, 9}, {7, 3}, {1, 1}};

TEST(StructureCpu, EqualsThePlainReference) {
  for (const auto& [width, height] : kSizes) {
    const Map map = random_map(width, height, 3);
    SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height));
    expect_thinned(map, thin_edges(map.values.data(), width, height));
    const int columns = std::max(1, width / 5), rows = std::max(1, height / 4);
    for (const Pooling pooling : {Pooling::max, Pooling::mean}) {
      expect_pooled(map, pool_cells(map.values.data(), width, height, columns, rows, pooling),
                    columns, rows, pooling);
    }
  }
}

class StructureCuda : public testing::Test {
 protected:
  void SetUp() override {
    std::string reason;
    if (!cuda::structure_available(&reason)) {
      GTEST_SKIP() << "no GPU to test on (" << reason
                   << "); run on a machine with one: ctest -L gpu";
    }
  }
};

TEST_F(StructureCuda, EqualsTheCpuAndThePlainReference) {
  cuda::StructureDevice device;  // one for all sizes: its memory has to grow
  for (const auto& [width, height] : kSizes) {
    const Map map = random_map(width, height, 5);
    SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height));
    const cuda::EdgeMapView view{map.values.data(), cuda::Precision::float32, width, height};
    expect_thinned(map, device.thin_edges(view));
    EXPECT_EQ(map.values, device.lines(view, false, 0.2F));
    const auto lines = thin_edges(map.values.data(), width, height, 0.2F);
    EXPECT_EQ(lines, device.thin_edges(view, 0.2F));
    const int columns = std::max(1, width / 5), rows = std::max(1, height / 4);
    for (const Pooling pooling : {Pooling::max, Pooling::mean}) {
      EXPECT_EQ(pool_cells(lines.data(), width, height, columns, rows, pooling),
                device.pool_cells(view, true, 0.2F, columns, rows, pooling));
      expect_pooled(map, device.pool_cells(view, false, 0, columns, rows, pooling), columns, rows,
                    pooling);
    }
  }
}

TEST_F(StructureCuda, PlanesEqualTheCpus) {
  cuda::StructureDevice device;
  const Map map = random_map(200, 110, 9);
  const cuda::DeviceEdgeMap there({map.values.data(), cuda::Precision::float32, 200, 110}, device);
  const HostEdgeMap here(map.values.data(), 200, 110);
  for (const bool thin : {false, true}) {
    for (const int shortest : {0, 6}) {  // short lines are dropped by the CPU
      StructureOptions options;
      options.thin = thin;
      options.min_length = shortest;
      const StructureMap wanted = map_structure(here, options), got = map_structure(there, options);
      EXPECT_EQ(wanted.plane.values, got.plane.values);
      EXPECT_EQ(wanted.strength, got.strength);
      EXPECT_GT(*std::max_element(got.plane.values.begin(), got.plane.values.end()), 0);
    }
  }
}

std::uint32_t bits_of(float v) {
  std::uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}

TEST_F(StructureCuda, TakesHalfPrecision) {
  Map map = random_map(101, 37, 7);
  std::vector<std::uint16_t> halves, brains;
  for (float& v : map.values) {
    const std::uint32_t bits = bits_of(v);
    // 1024ths from 2^-10 to 1 are normal numbers in half precision.
    halves.push_back(
        v == 0 ? std::uint16_t{0}
               : static_cast<std::uint16_t>(((bits >> 23) - 112) << 10 | (bits >> 13 & 0x3ffU)));
  }
  EXPECT_EQ(thin_edges(map.values.data(), 101, 37),
            cuda::StructureDevice().thin_edges({halves.data(), cuda::Precision::float16, 101, 37}));
  for (float& v : map.values) {
    const std::uint32_t cut = bits_of(v) & 0xffff0000U;
    brains.push_back(static_cast<std::uint16_t>(cut >> 16));
    std::memcpy(&v, &cut, sizeof v);
  }
  EXPECT_EQ(
      thin_edges(map.values.data(), 101, 37),
      cuda::StructureDevice().thin_edges({brains.data(), cuda::Precision::bfloat16, 101, 37}));
}

TEST_F(StructureCuda, RefusesNonsense) {
  cuda::StructureDevice device;
  EXPECT_THROW(device.thin_edges({}), Error);
  const float value = 1;
  const cuda::EdgeMapView map{&value, cuda::Precision::float32, 1, 1};
  EXPECT_THROW(device.pool_cells(map, true, 0, 2, 1, Pooling::max), Error);
  EXPECT_THROW(device.pool_cells(map, true, 0, 0, 1, Pooling::max), Error);
}

}  // namespace
}  // namespace semcodec
