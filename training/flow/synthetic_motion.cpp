#include "training/flow/synthetic_motion.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/core/error.h"
#include "training/flow/motion_layer.h"
#include "training/flow/plane_resize.h"

namespace semcodec {
namespace {

float uniform(std::mt19937_64& random, double low, double high) {
  return static_cast<float>(std::uniform_real_distribution<double>(low, high)(random));
}

MotionLayer make_layer(const SyntheticMotionOptions& o, const ImageSource& source, bool background,
                       std::mt19937_64& random) {
  const Vec2 middle{static_cast<float>(o.width) / 2, static_cast<float>(o.height) / 2};
  LayerShape shape = background ? LayerShape() : LayerShape(o, random);
  const Vec2 centre = background ? middle : shape.centre();
  MotionLayer layer{
      source(random), {}, {1, 1, 1}, shape, LayerMotion(o, centre, background, random)};
  require(layer.texture.width > 1 && layer.texture.height > 1, ErrorKind::usage,
          "A training picture is empty; check the frame store.");
  const float scale = uniform(random, o.min_texture_scale, o.max_texture_scale);
  const float angle = uniform(random, -0.2, 0.2) * (background ? 1.0F : 3.0F);
  const float flip = uniform(random, 0, 1) < 0.5F ? -1.0F : 1.0F;
  const float c = scale * std::cos(angle), s = scale * std::sin(angle);
  // The place of the texture that lies on the layer's centre.
  const float u = uniform(random, 0.2, 0.8) * static_cast<float>(layer.texture.width);
  const float v = uniform(random, 0.2, 0.8) * static_cast<float>(layer.texture.height);
  layer.to_texture = {flip * c, -s, u - flip * c * centre.x + s * centre.y,
                      flip * s, c,  v - flip * s * centre.x - c * centre.y};
  const float light = uniform(random, 0.75, 1.2);
  for (float& g : layer.gain) g = light * uniform(random, 0.92, 1.08);
  return layer;
}

// Shortens a motion until no vector inside the layer's box is longer than allowed.
void limit(MotionLayer& layer, const SyntheticMotionOptions& o) {
  float x0 = 0, y0 = 0, x1 = static_cast<float>(o.width), y1 = static_cast<float>(o.height);
  if (!layer.shape.everywhere()) {
    x0 = std::max(x0, layer.shape.centre().x - layer.shape.reach());
    y0 = std::max(y0, layer.shape.centre().y - layer.shape.reach());
    x1 = std::min(x1, layer.shape.centre().x + layer.shape.reach());
    y1 = std::min(y1, layer.shape.centre().y + layer.shape.reach());
  }
  for (int i = 0; i < 8; ++i) {
    const float longest = layer.motion.longest(x0, y0, x1, y1);
    if (longest <= o.max_displacement) return;
    layer.motion.scale(0.95F * static_cast<float>(o.max_displacement) / longest);
  }
}

struct Box {
  int x0, y0, x1, y1;
};

Box box_of(const MotionLayer& layer, const MotionPair& pair, float margin) {
  if (layer.shape.everywhere()) return {0, 0, pair.width, pair.height};
  const float r = layer.shape.reach() + margin;
  const Vec2 c = layer.shape.centre();
  return {std::clamp(static_cast<int>(c.x - r), 0, pair.width),
          std::clamp(static_cast<int>(c.y - r), 0, pair.height),
          std::clamp(static_cast<int>(c.x + r) + 2, 0, pair.width),
          std::clamp(static_cast<int>(c.y + r) + 2, 0, pair.height)};
}

void blend(std::vector<float>& image, std::size_t at, std::size_t plane, const float* rgb,
           float opacity) {
  for (std::size_t c = 0; c < 3; ++c) {
    float& value = image[c * plane + at];
    value += opacity * (rgb[c] - value);
  }
}

// Adds one layer to both pictures and to the flow. `owner0` and `owner1` hold the topmost layer.
void draw(const MotionLayer& layer, std::uint8_t id, float max_displacement, MotionPair& pair,
          std::vector<std::uint8_t>& owner0, std::vector<std::uint8_t>& owner1) {
  const auto width = static_cast<std::size_t>(pair.width);
  const std::size_t plane = width * static_cast<std::size_t>(pair.height);
  float rgb[3];
  const Box second = box_of(layer, pair, 0);
  for (int y = second.y0; y < second.y1; ++y) {
    for (int x = second.x0; x < second.x1; ++x) {
      const auto fx = static_cast<float>(x), fy = static_cast<float>(y);
      const float opacity = layer.shape.opacity(fx, fy);
      if (opacity <= 0) continue;
      const std::size_t at = static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x);
      layer.colour(fx, fy, rgb);
      blend(pair.image1, at, plane, rgb, opacity);
      if (opacity > 0.5F) owner1[at] = id;
    }
  }
  const Box first = box_of(layer, pair, 1.3F * max_displacement);
  for (int y = first.y0; y < first.y1; ++y) {
    for (int x = first.x0; x < first.x1; ++x) {
      const Vec2 f = layer.motion.flow(static_cast<float>(x), static_cast<float>(y));
      const float px = static_cast<float>(x) + f.x, py = static_cast<float>(y) + f.y;
      const float opacity = layer.shape.opacity(px, py);
      if (opacity <= 0) continue;
      const std::size_t at = static_cast<std::size_t>(y) * width + static_cast<std::size_t>(x);
      layer.colour(px, py, rgb);
      blend(pair.image0, at, plane, rgb, opacity);
      if (opacity > 0.5F) {
        owner0[at] = id;
        pair.flow[at] = f.x;
        pair.flow[plane + at] = f.y;
      }
    }
  }
}

void find_visible(MotionPair& pair, const std::vector<std::uint8_t>& owner0,
                  const std::vector<std::uint8_t>& owner1) {
  const auto width = static_cast<std::size_t>(pair.width);
  const std::size_t plane = width * static_cast<std::size_t>(pair.height);
  for (std::size_t at = 0; at < plane; ++at) {
    const float x = static_cast<float>(at % width) + pair.flow[at];
    const float y = static_cast<float>(at / width) + pair.flow[plane + at];
    const long ix = std::lround(x), iy = std::lround(y);
    const bool inside = ix >= 0 && iy >= 0 && ix < pair.width && iy < pair.height;
    pair.visible[at] =
        inside && owner1[static_cast<std::size_t>(iy) * width + static_cast<std::size_t>(ix)] ==
                      owner0[at]
            ? 1.0F
            : 0.0F;
  }
}

// Normal noise from a table: drawing 300,000 fresh values a pair would take longer than the rest.
void add_noise(std::vector<float>& image, float sigma, std::mt19937_64& random) {
  static const std::vector<float> table = [] {
    std::mt19937_64 fixed(20170726);
    std::normal_distribution<float> normal;
    std::vector<float> values(1 << 16);
    for (float& v : values) v = normal(fixed);
    return values;
  }();
  std::size_t k = random();
  const std::size_t mask = table.size() - 1;
  for (std::size_t i = 0; i < image.size(); ++i) {
    if ((i & 1023) == 0) k = random();
    image[i] += sigma * table[(k + i) & mask];
  }
}

void clamp_image(std::vector<float>& image) {
  for (float& v : image) v = std::clamp(v, 0.0F, 1.0F);
}

// Light and camera: the same tone curve for both, a small change between the two, and noise.
void jitter(MotionPair& pair, std::mt19937_64& random) {
  const float contrast = uniform(random, 0.75, 1.3), bias = uniform(random, -0.08, 0.08);
  const float sigma = uniform(random, 0.0, 1.0) < 0.5F ? uniform(random, 0.0, 0.02) : 0.0F;
  const std::size_t plane = pair.image0.size() / 3;
  for (auto* image : {&pair.image0, &pair.image1}) {
    const float own_bias = uniform(random, -0.015, 0.015);
    for (std::size_t c = 0; c < 3; ++c) {
      const float gain = contrast * uniform(random, 0.98, 1.02);
      for (std::size_t i = c * plane; i < (c + 1) * plane; ++i)
        (*image)[i] = ((*image)[i] - 0.5F) * gain + 0.5F + bias + own_bias;
    }
    if (sigma > 0) add_noise(*image, sigma, random);
    clamp_image(*image);
  }
}

}  // namespace

MotionPair make_motion_pair(const SyntheticMotionOptions& o, const ImageSource& source,
                            std::mt19937_64& random) {
  require(
      o.width >= 16 && o.height >= 16 && o.width <= 4096 && o.height <= 4096 && o.min_layers >= 0 &&
          o.max_layers >= o.min_layers && o.max_layers < 255 && o.max_displacement > 0 &&
          o.typical_displacement > 0 && o.typical_displacement < o.max_displacement,
      ErrorKind::usage,
      "Synthetic pairs need sides of 16 to 4096, at most 254 layers and displacements above 0.");
  MotionPair pair;
  pair.width = o.width;
  pair.height = o.height;
  const std::size_t plane = static_cast<std::size_t>(o.width) * static_cast<std::size_t>(o.height);
  pair.image0.assign(3 * plane, 0.0F);
  pair.image1.assign(3 * plane, 0.0F);
  pair.flow.assign(2 * plane, 0.0F);
  pair.visible.assign(plane, 0.0F);
  std::vector<std::uint8_t> owner0(plane, 255), owner1(plane, 255);

  MotionLayer background = make_layer(o, source, true, random);
  limit(background, o);
  const auto reach = static_cast<float>(o.max_displacement);
  draw(background, 0, reach, pair, owner0, owner1);
  const int layers = std::uniform_int_distribution<int>(o.min_layers, o.max_layers)(random);
  for (int i = 1; i <= layers; ++i) {
    MotionLayer layer = make_layer(o, source, false, random);
    // Things mostly move with the camera and, besides, in their own way.
    if (uniform(random, 0, 1) < 0.8F) layer.motion.add(background.motion);
    limit(layer, o);
    draw(layer, static_cast<std::uint8_t>(i), reach, pair, owner0, owner1);
  }
  find_visible(pair, owner0, owner1);
  jitter(pair, random);
  if (uniform(random, 0, 1) < o.degrade_probability) degrade_pair(pair, random);
  return pair;
}

void degrade_pair(MotionPair& pair, std::mt19937_64& random) {
  const float factor = uniform(random, 2.0, 4.0);
  const float sigma = uniform(random, 0.0, 0.015);
  const int small_width = std::max(1, static_cast<int>(std::lround(pair.width / factor)));
  const int small_height = std::max(1, static_cast<int>(std::lround(pair.height / factor)));
  const std::size_t plane = pair.image0.size() / 3;
  for (auto* image : {&pair.image0, &pair.image1}) {
    for (std::size_t c = 0; c < 3; ++c) {
      float* target = image->data() + c * plane;
      auto reduced = resize_plane(target, pair.width, pair.height, small_width, small_height);
      // Noise between the two steps survives as soft blotches, as in generated pictures.
      add_noise(reduced, sigma, random);
      const auto enlarged =
          resize_plane(reduced.data(), small_width, small_height, pair.width, pair.height);
      std::copy(enlarged.begin(), enlarged.end(), target);
    }
    add_noise(*image, 0.5F * sigma, random);
    clamp_image(*image);
  }
}

}  // namespace semcodec
