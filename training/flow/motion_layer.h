#pragma once
// One layer of a synthetic pair: where its texture lies, what shape it has and how it moves.

#include <array>
#include <random>
#include <vector>

#include "common/core/image.h"
#include "training/flow/synthetic_motion.h"

namespace semcodec {

struct Vec2 {
  float x = 0;
  float y = 0;
};

/// Plane motion x → x + flow(x): a homography about a centre plus an optional smooth bend.
class LayerMotion {
 public:
  /// A random motion of the given typical and largest length in a picture of width × height.
  /// `calm` motions (backgrounds) turn, zoom and bend less.
  LayerMotion(const SyntheticMotionOptions& options, Vec2 centre, bool calm,
              std::mt19937_64& random);

  Vec2 flow(float x, float y) const;

  /// This motion and, added to it, another one.
  void add(const LayerMotion& other);
  /// The longest flow over the corners and the centre of a box.
  float longest(float x0, float y0, float x1, float y1) const;
  void scale(float factor);

 private:
  static constexpr int kBendCells = 6;
  struct Part {
    Vec2 centre;
    std::array<float, 4> linear{};  // matrix minus identity
    Vec2 shift, perspective;
  };
  std::vector<Part> parts_;
  float width_, height_;
  std::vector<Vec2> bend_;  // (kBendCells + 1)² displacements over the picture, or empty
};

/// A soft-edged random shape: ellipse, star-shaped polygon or noise blob.
class LayerShape {
 public:
  /// Covers everything.
  LayerShape() = default;
  LayerShape(const SyntheticMotionOptions& options, std::mt19937_64& random);

  /// Opacity at a place of the second picture, 0..1.
  float opacity(float x, float y) const;
  bool everywhere() const { return field_.empty(); }
  Vec2 centre() const { return centre_; }
  /// Half the side of the square that holds the shape.
  float reach() const { return reach_; }

 private:
  static constexpr int kCells = 48;
  void fill_star(const std::vector<float>& radii, bool straight);

  Vec2 centre_;
  float reach_ = 0;
  float cos_ = 1, sin_ = 0;    // rotation
  float to_x_ = 1, to_y_ = 1;  // pixels to −1..1
  float sharpness_ = 1;
  std::vector<float> field_;  // (kCells + 1)² signed values, positive inside
};

struct MotionLayer {
  RgbImage texture;
  std::array<float, 6> to_texture{};  // second picture → texture, affine
  std::array<float, 3> gain{1, 1, 1};
  LayerShape shape;
  LayerMotion motion;

  /// Bilinear texture sample, mirrored at the borders; R, G, B in 0..1 (times gain).
  void colour(float x, float y, float* rgb) const;
};

}  // namespace semcodec
