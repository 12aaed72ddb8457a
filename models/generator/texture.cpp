#include "models/generator/texture.h"

#include <string>

#include "common/core/error.h"
#include "models/generator/layers.h"

namespace semcodec {

namespace {
constexpr int kConditionChannels = 4;
}

TextureEncoderImpl::TextureEncoderImpl(const TextureConfig& config) : config_(config) {
  if (config.channels == 0) return;  // of a generator that is sent no texture: no layers
  const int c = config.width;
  in_ = register_module("in", conv(3 * 16 + kConditionChannels * 4, c, 3));
  down_eighth_ = register_module("down_eighth", conv(c, c, 3, 2));
  eighth_ = register_module("eighth", residual_stage(c, 2));
  down_sixteenth_ = register_module("down_sixteenth", conv(c, 2 * c, 3, 2));
  sixteenth_ = register_module("sixteenth", residual_stage(2 * c, 2));
  out_ = register_module("out", conv(2 * c, config.channels, 1));
  torch::NoGradGuard guard;
  out_->weight.mul_(4.0);
}

torch::Tensor TextureEncoderImpl::forward(const torch::Tensor& picture,
                                          const torch::Tensor& condition) {
  const auto type = in_->weight.scalar_type();
  const auto input = torch::cat(
      {torch::pixel_unshuffle(picture.to(type), 4), torch::pixel_unshuffle(condition.to(type), 2)},
      1);
  auto x = down_eighth_(activate(in_(input)));
  x = down_sixteenth_(activate(eighth_->forward(x)));
  const auto out = out_(activate(sixteenth_->forward(x))).to(torch::kFloat32);
  // Each channel is spread over the levels by its own statistics in this picture. Without that,
  // channels soon stick to one level, where rounding and tanh leave them no gradient.
  const auto mean = out.mean({2, 3}, true);
  const auto variance = (out - mean).square().mean({2, 3}, true);
  return torch::tanh((out - mean) * torch::rsqrt(variance + 1e-4));
}

torch::Tensor quantise_texture(const torch::Tensor& values, int levels) {
  const double half = (levels - 1) / 2.0;
  const auto rounded = torch::round(values.detach() * half) / half;
  return values + (rounded - values.detach());
}

std::vector<Plane> texture_planes(const torch::Tensor& values, int levels, int channels) {
  const double half = (levels - 1) / 2.0;
  const auto integers = torch::round((values.detach() + 1.0) * half)
                            .clamp(0, levels - 1)
                            .to(torch::kUInt8)
                            .to(torch::kCPU)
                            .contiguous();
  std::vector<Plane> planes;
  const auto height = static_cast<int>(integers.size(2)),
             width = static_cast<int>(integers.size(3));
  const auto area = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  for (int c = 0; c < std::min<int>(channels, static_cast<int>(integers.size(1))); ++c) {
    const auto* from = integers.data_ptr<std::uint8_t>() + static_cast<std::size_t>(c) * area;
    planes.push_back({width, height, levels, {from, from + area}});
  }
  return planes;
}

torch::Tensor render_texture(const std::vector<Plane>& planes, int channels, int coded_width,
                             int coded_height) {
  const int width = coded_width / kTextureCell, height = coded_height / kTextureCell;
  require(planes.size() <= static_cast<std::size_t>(channels), ErrorKind::unsupported,
          "The stream has " + std::to_string(planes.size()) + " texture planes; this model knows " +
              std::to_string(channels) + ".");
  auto out = torch::zeros({1, channels, height, width}, torch::kFloat32);
  for (std::size_t c = 0; c < planes.size(); ++c) {
    const Plane& plane = planes[c];
    require(plane.width == width && plane.height == height, ErrorKind::unsupported,
            "A texture plane has " + std::to_string(plane.width) + "x" +
                std::to_string(plane.height) + " cells; this model wants " + std::to_string(width) +
                "x" + std::to_string(height) + ".");
    float* to = out.select(1, static_cast<std::int64_t>(c)).data_ptr<float>();
    const float half = static_cast<float>(plane.levels - 1) / 2.0F;
    for (const std::uint8_t value : plane.values) *to++ = static_cast<float>(value) / half - 1.0F;
  }
  return out;
}

}  // namespace semcodec
