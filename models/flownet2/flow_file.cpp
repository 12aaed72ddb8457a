#include "models/flownet2/flow_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>

#include "common/core/error.h"
#include "common/core/file.h"

namespace semcodec {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie");

constexpr float kFloTag = 202021.25F;
constexpr float kUnknown = 1e9F;  ///< longer components mark pixels without flow
constexpr float kDarkened = 0.75F;

using Colour = std::array<float, 3>;  // 0..1

/// The wheel: red, yellow, green, cyan, blue, magenta and back to red, with as many steps between
/// two of them as people tell colours apart there.
const std::vector<Colour>& wheel() {
  static const std::vector<Colour> colours = [] {
    constexpr std::array<Colour, 7> kCorners{
        {{1, 0, 0}, {1, 1, 0}, {0, 1, 0}, {0, 1, 1}, {0, 0, 1}, {1, 0, 1}, {1, 0, 0}}};
    constexpr std::array<int, 6> kSteps{15, 6, 4, 11, 13, 6};
    std::vector<Colour> list;
    for (std::size_t i = 0; i < kSteps.size(); ++i) {
      for (int k = 0; k < kSteps[i]; ++k) {
        const float t = static_cast<float>(k) / static_cast<float>(kSteps[i]);
        Colour colour{};
        for (std::size_t c = 0; c < 3; ++c) {
          colour[c] = kCorners[i][c] + t * (kCorners[i + 1][c] - kCorners[i][c]);
        }
        list.push_back(colour);
      }
    }
    return list;
  }();
  return colours;
}

std::size_t checked_area(std::span<const float> flow, int width, int height) {
  const auto area = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  require(width > 0 && height > 0 && flow.size() == 2 * area, ErrorKind::internal,
          "A flow field and its size disagree.");
  return area;
}

bool known(float u, float v) { return std::abs(u) <= kUnknown && std::abs(v) <= kUnknown; }

/// `u`, `v` as shares of the longest vector.
Colour colour_of(float u, float v) {
  const auto& colours = wheel();
  const float length = std::hypot(u, v);
  const float turn = std::atan2(-v, -u) / std::numbers::pi_v<float>;  // -1..1
  const float at = (turn + 1) / 2 * static_cast<float>(colours.size() - 1);
  const std::size_t low = static_cast<std::size_t>(at);
  const std::size_t high = (low + 1) % colours.size();
  const float share = at - static_cast<float>(low);
  Colour result{};
  for (std::size_t c = 0; c < 3; ++c) {
    const float hue = (1 - share) * colours[low][c] + share * colours[high][c];
    result[c] = length <= 1 ? 1 - length * (1 - hue) : hue * kDarkened;
  }
  return result;
}

}  // namespace

std::vector<std::uint8_t> encode_flo(std::span<const float> flow, int width, int height) {
  const std::size_t area = checked_area(flow, width, height);
  std::vector<std::uint8_t> bytes(12 + 8 * area);
  const std::int32_t size[2] = {width, height};
  std::memcpy(bytes.data(), &kFloTag, 4);
  std::memcpy(bytes.data() + 4, size, 8);
  for (std::size_t i = 0; i < area; ++i) {
    const float pair[2] = {flow[i], flow[area + i]};
    std::memcpy(bytes.data() + 12 + 8 * i, pair, 8);
  }
  return bytes;
}

void write_flo(const std::string& path, std::span<const float> flow, int width, int height) {
  OutputFile file(path);
  file.write(encode_flo(flow, width, height));
  file.commit();
}

RgbImage flow_colours(std::span<const float> flow, int width, int height, float longest) {
  const std::size_t area = checked_area(flow, width, height);
  if (longest <= 0) {
    for (std::size_t i = 0; i < area; ++i) {
      const float u = flow[i], v = flow[area + i];
      if (known(u, v)) longest = std::max(longest, std::hypot(u, v));
    }
  }
  // A field without motion is white, not the noise of its last bits.
  const float scale = 1 / std::max(longest, 1e-5F);
  RgbImage image(width, height);
  for (std::size_t i = 0; i < area; ++i) {
    const float u = flow[i], v = flow[area + i];
    const Colour colour = known(u, v) ? colour_of(u * scale, v * scale) : Colour{};
    for (std::size_t c = 0; c < 3; ++c) {
      image.pixels[3 * i + c] =
          static_cast<std::uint8_t>(std::clamp(colour[c] * 255, 0.0F, 255.0F));
    }
  }
  return image;
}

}  // namespace semcodec
