#include "training/flow/motion_layer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace semcodec {
namespace {

float uniform(std::mt19937_64& random, double low, double high) {
  return static_cast<float>(std::uniform_real_distribution<double>(low, high)(random));
}
float normal(std::mt19937_64& random, double sigma) {
  return static_cast<float>(std::normal_distribution<double>(0.0, sigma)(random));
}
bool chance(std::mt19937_64& random, double p) { return std::bernoulli_distribution(p)(random); }

constexpr float kTurn = 2.0F * std::numbers::pi_v<float>;

// Mirrors an index into 0..size-1 (the border pixel is not repeated).
int mirrored(int i, int size) {
  if (size == 1) return 0;
  const int period = 2 * (size - 1);
  i %= period;
  if (i < 0) i += period;
  return i < size ? i : period - i;
}

}  // namespace

LayerMotion::LayerMotion(const SyntheticMotionOptions& options, Vec2 centre, bool calm,
                         std::mt19937_64& random)
    : width_(static_cast<float>(options.width)), height_(static_cast<float>(options.height)) {
  // A third of the backgrounds stand still (a fixed camera); every sixth motion is a large one.
  const double kind = uniform(random, 0.0, 1.0);
  float length = 0;
  if (kind > (calm ? 0.35 : 0.1)) {
    length = kind > 0.85 ? uniform(random, options.typical_displacement, options.max_displacement)
                         : static_cast<float>(std::exponential_distribution<double>(
                               1.0 / options.typical_displacement)(random));
  }
  const bool still = length == 0.0F && calm && chance(random, 0.6);
  const float direction = uniform(random, 0.0, kTurn);
  Part part;
  part.centre = centre;
  part.shift = {length * std::cos(direction), length * std::sin(direction)};
  if (!still) {
    const float angle = normal(random, calm ? 0.012 : 0.07);
    const float zoom = std::exp(normal(random, calm ? 0.02 : 0.06));
    const float stretch = std::exp(normal(random, calm ? 0.004 : 0.03));
    const float shear = normal(random, calm ? 0.003 : 0.02);
    const float c = std::cos(angle) * zoom, s = std::sin(angle) * zoom;
    part.linear = {c * stretch - 1, -s + shear, s, c / stretch - 1};
    if (chance(random, 0.4)) {
      const double slope = (calm ? 0.02 : 0.06) / options.width;
      part.perspective = {normal(random, slope), normal(random, slope)};
    }
  }
  parts_.push_back(part);
  if (!still && chance(random, calm ? 0.1 : 0.35)) {
    const double sigma = uniform(random, 0.1, 0.5) * options.typical_displacement;
    bend_.resize((kBendCells + 1) * (kBendCells + 1));
    for (auto& v : bend_) v = {normal(random, sigma), normal(random, sigma)};
  }
}

Vec2 LayerMotion::flow(float x, float y) const {
  Vec2 sum;
  for (const Part& p : parts_) {
    const float dx = x - p.centre.x, dy = y - p.centre.y;
    const float lx = dx + p.linear[0] * dx + p.linear[1] * dy;
    const float ly = dy + p.linear[2] * dx + p.linear[3] * dy;
    const float w = 1.0F / std::max(0.5F, 1.0F + p.perspective.x * dx + p.perspective.y * dy);
    sum.x += lx * w + p.shift.x - dx;
    sum.y += ly * w + p.shift.y - dy;
  }
  if (!bend_.empty()) {
    const float gx = std::clamp(x / width_, 0.0F, 0.9999F) * kBendCells;
    const float gy = std::clamp(y / height_, 0.0F, 0.9999F) * kBendCells;
    const int ix = static_cast<int>(gx), iy = static_cast<int>(gy);
    // Smoothstep weights, so that the bend has no creases along the grid.
    float fx = gx - static_cast<float>(ix), fy = gy - static_cast<float>(iy);
    fx = fx * fx * (3 - 2 * fx);
    fy = fy * fy * (3 - 2 * fy);
    const Vec2* b = bend_.data() + iy * (kBendCells + 1) + ix;
    const Vec2* below = b + kBendCells + 1;
    const float w00 = (1 - fx) * (1 - fy), w01 = fx * (1 - fy), w10 = (1 - fx) * fy, w11 = fx * fy;
    sum.x += w00 * b[0].x + w01 * b[1].x + w10 * below[0].x + w11 * below[1].x;
    sum.y += w00 * b[0].y + w01 * b[1].y + w10 * below[0].y + w11 * below[1].y;
  }
  return sum;
}

void LayerMotion::add(const LayerMotion& other) {
  parts_.insert(parts_.end(), other.parts_.begin(), other.parts_.end());
}

float LayerMotion::longest(float x0, float y0, float x1, float y1) const {
  float most = 0;
  for (const Vec2 at : {Vec2{x0, y0}, Vec2{x1, y0}, Vec2{x0, y1}, Vec2{x1, y1},
                        Vec2{(x0 + x1) / 2, (y0 + y1) / 2}}) {
    const Vec2 f = flow(at.x, at.y);
    most = std::max(most, std::hypot(f.x, f.y));
  }
  return most;
}

void LayerMotion::scale(float factor) {
  for (Part& p : parts_) {
    for (float& v : p.linear) v *= factor;
    p.shift = {p.shift.x * factor, p.shift.y * factor};
    p.perspective = {p.perspective.x * factor, p.perspective.y * factor};
  }
  for (Vec2& v : bend_) v = {v.x * factor, v.y * factor};
}

LayerShape::LayerShape(const SyntheticMotionOptions& options, std::mt19937_64& random) {
  const auto w = static_cast<float>(options.width), h = static_cast<float>(options.height);
  const float size = std::min(w, h) * std::exp(uniform(random, std::log(0.08), std::log(0.45)));
  const float aspect = std::exp(uniform(random, -0.7, 0.7));
  const float rx = size * aspect, ry = size / aspect;
  centre_ = {uniform(random, 0.0, w), uniform(random, 0.0, h)};
  reach_ = std::hypot(rx, ry);
  const float angle = uniform(random, 0.0, kTurn);
  cos_ = std::cos(angle);
  sin_ = std::sin(angle);
  to_x_ = 1.0F / rx;
  to_y_ = 1.0F / ry;
  sharpness_ = std::min(rx, ry);  // opacity falls over about one pixel
  std::vector<float> radii;
  switch (std::uniform_int_distribution<int>(0, 2)(random)) {
    case 0:  // ellipse
      fill_star(std::vector<float>(8, 0.95F), false);
      break;
    case 1: {  // polygon
      const int corners = std::uniform_int_distribution<int>(3, 9)(random);
      for (int i = 0; i < corners; ++i) radii.push_back(uniform(random, 0.45, 0.98));
      fill_star(radii, true);
      break;
    }
    default: {  // blob: a sum of waves along the outline
      std::array<float, 5> amplitude{}, phase{};
      for (std::size_t k = 0; k < amplitude.size(); ++k) {
        amplitude[k] = normal(random, 0.22 / static_cast<double>(k + 1));
        phase[k] = uniform(random, 0.0, kTurn);
      }
      for (int i = 0; i < 64; ++i) {
        const float t = kTurn * static_cast<float>(i) / 64.0F;
        float r = 0.65F;
        for (std::size_t k = 0; k < amplitude.size(); ++k)
          r += amplitude[k] * std::cos(static_cast<float>(k + 2) * t + phase[k]);
        radii.push_back(std::clamp(r, 0.15F, 0.98F));
      }
      fill_star(radii, false);
    }
  }
}

// Fills the field with (outline radius − radius) for an outline given at equal angles, joined by
// straight edges or by radii that change evenly.
void LayerShape::fill_star(const std::vector<float>& radii, bool straight) {
  field_.resize((kCells + 1) * (kCells + 1));
  const auto n = static_cast<int>(radii.size());
  const float wedge = kTurn / static_cast<float>(n);
  for (int j = 0; j <= kCells; ++j) {
    for (int i = 0; i <= kCells; ++i) {
      const float x = 2.0F * static_cast<float>(i) / kCells - 1.0F;
      const float y = 2.0F * static_cast<float>(j) / kCells - 1.0F;
      const float turn = (std::atan2(y, x) + kTurn / 2) / wedge;
      const int k = std::min(static_cast<int>(turn), n - 1);
      const float part = turn - static_cast<float>(k);
      const float a = radii[static_cast<std::size_t>(k)];
      const float b = radii[static_cast<std::size_t>((k + 1) % n)];
      float outline = a + part * (b - a);
      if (straight) {
        // Polar equation of the chord between the two corners.
        const float s1 = std::sin(wedge * part), s2 = std::sin(wedge * (1 - part));
        outline = a * b * std::sin(wedge) / std::max(1e-6F, a * s2 + b * s1);
      }
      field_[static_cast<std::size_t>(j * (kCells + 1) + i)] = outline - std::hypot(x, y);
    }
  }
}

float LayerShape::opacity(float x, float y) const {
  if (everywhere()) return 1.0F;
  const float dx = x - centre_.x, dy = y - centre_.y;
  const float u = (cos_ * dx + sin_ * dy) * to_x_, v = (cos_ * dy - sin_ * dx) * to_y_;
  if (!(u > -1.0F && u < 1.0F && v > -1.0F && v < 1.0F)) return 0.0F;
  const float gx = (u + 1) * (kCells / 2.0F), gy = (v + 1) * (kCells / 2.0F);
  const int ix = std::min(static_cast<int>(gx), kCells - 1);
  const int iy = std::min(static_cast<int>(gy), kCells - 1);
  const float fx = gx - static_cast<float>(ix), fy = gy - static_cast<float>(iy);
  const float* f = field_.data() + iy * (kCells + 1) + ix;
  const float top = f[0] + fx * (f[1] - f[0]);
  const float bottom = f[kCells + 1] + fx * (f[kCells + 2] - f[kCells + 1]);
  return std::clamp((top + fy * (bottom - top)) * sharpness_ + 0.5F, 0.0F, 1.0F);
}

void MotionLayer::colour(float x, float y, float* rgb) const {
  const float tx = to_texture[0] * x + to_texture[1] * y + to_texture[2];
  const float ty = to_texture[3] * x + to_texture[4] * y + to_texture[5];
  const float bx = std::floor(tx), by = std::floor(ty);
  const float fx = tx - bx, fy = ty - by;
  int x0 = static_cast<int>(bx), y0 = static_cast<int>(by), x1 = x0 + 1, y1 = y0 + 1;
  if (x0 < 0 || y0 < 0 || x1 >= texture.width || y1 >= texture.height) {
    x0 = mirrored(x0, texture.width);
    x1 = mirrored(x1, texture.width);
    y0 = mirrored(y0, texture.height);
    y1 = mirrored(y1, texture.height);
  }
  const std::uint8_t* upper = texture.row(y0);
  const std::uint8_t* lower = texture.row(y1);
  const float w00 = (1 - fx) * (1 - fy), w01 = fx * (1 - fy), w10 = (1 - fx) * fy, w11 = fx * fy;
  for (int c = 0; c < 3; ++c) {
    const float value = w00 * upper[3 * x0 + c] + w01 * upper[3 * x1 + c] +
                        w10 * lower[3 * x0 + c] + w11 * lower[3 * x1 + c];
    rgb[c] = value * (1.0F / 255.0F) * gain[static_cast<std::size_t>(c)];
  }
}

}  // namespace semcodec
