#pragma once
// Frames to test with, made by integer arithmetic so that they are the same everywhere.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "semcodec/planes.h"

namespace semcodec::test {

/// A small generator whose numbers the tests may rely on (PCG-like; not for anything serious).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 2 + 1) {}
  /// 0 ... limit - 1
  int below(int limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<std::uint64_t>(limit));
  }

 private:
  std::uint64_t state_;
};

struct SampleShape {
  int motion_width = 4, motion_height = 3;
  int structure_width = 24, structure_height = 16, structure_levels = 4;
  int label_width = 12, label_height = 8, colours = 8;
  int texture_channels = 2, texture_width = 6, texture_height = 4, texture_levels = 5;
};

inline Plane noise_plane(Numbers& numbers, int width, int height, int levels) {
  Plane plane{width, height, levels, {}};
  for (int i = 0; i < width * height; ++i) {
    plane.values.push_back(static_cast<std::uint8_t>(numbers.below(levels)));
  }
  return plane;
}

inline Palette noise_palette(Numbers& numbers, int colours) {
  Palette palette(static_cast<std::size_t>(colours));
  for (auto& colour : palette) {
    for (auto& part : colour) part = static_cast<std::uint8_t>(numbers.below(256));
  }
  return palette;
}

inline MotionField noise_motion(Numbers& numbers, int width, int height) {
  MotionField motion{width, height, {}, {}};
  for (int i = 0; i < width * height; ++i) {
    motion.dx.push_back(static_cast<std::int16_t>(numbers.below(2048) - 1024));
    motion.dy.push_back(static_cast<std::int16_t>(numbers.below(2048) - 1024));
  }
  return motion;
}

/// Everything at random.
inline SemanticFrame noise_frame(Numbers& numbers, const SampleShape& s, bool entry_point) {
  SemanticFrame frame;
  frame.entry_point = entry_point;
  if (!entry_point) frame.motion = noise_motion(numbers, s.motion_width, s.motion_height);
  frame.structure = noise_plane(numbers, s.structure_width, s.structure_height, s.structure_levels);
  frame.labels = noise_plane(numbers, s.label_width, s.label_height, s.colours);
  frame.palette = noise_palette(numbers, s.colours);
  for (int c = 0; c < s.texture_channels; ++c) {
    frame.texture.push_back(
        noise_plane(numbers, s.texture_width, s.texture_height, s.texture_levels));
  }
  return frame;
}

/// Frame `t` of a scene of discs that drift: regions of labels, edges at their borders.
inline SemanticFrame scene_frame(int t, const SampleShape& s, bool entry_point) {
  SemanticFrame frame;
  frame.entry_point = entry_point;
  const auto label_at = [&](int x, int y, int width, int height) {
    // In units of 1/1024 of the picture.
    const int u = (2 * x + 1) * 512 / width;
    const int v = (2 * y + 1) * 512 / height;
    for (int d = 1; d < s.colours; ++d) {
      const int cu = (d * 397 + t * (11 + 3 * d)) % 1024;
      const int cv = (d * 571 + t * 5) % 1024;
      const int r = 80 + 37 * d % 150;
      if ((u - cu) * (u - cu) + (v - cv) * (v - cv) < r * r) return d;
    }
    return 0;
  };
  frame.labels = {s.label_width, s.label_height, s.colours, {}};
  for (int y = 0; y < s.label_height; ++y) {
    for (int x = 0; x < s.label_width; ++x) {
      frame.labels.values.push_back(
          static_cast<std::uint8_t>(label_at(x, y, s.label_width, s.label_height)));
    }
  }
  frame.structure = {s.structure_width, s.structure_height, s.structure_levels, {}};
  for (int y = 0; y < s.structure_height; ++y) {
    for (int x = 0; x < s.structure_width; ++x) {
      const int here = label_at(x, y, s.structure_width, s.structure_height);
      const int right = label_at(x + 1, y, s.structure_width, s.structure_height);
      const int below = label_at(x, y + 1, s.structure_width, s.structure_height);
      const int strength = (here != right) + (here != below) + (here > 2 && here != right);
      frame.structure.values.push_back(
          static_cast<std::uint8_t>(std::min(strength, s.structure_levels - 1)));
    }
  }
  Numbers colours(7);
  frame.palette = noise_palette(colours, s.colours);
  for (auto& colour : frame.palette) {
    colour[0] = static_cast<std::uint8_t>(std::min(255, colour[0] + t % 5));
  }
  if (!entry_point) {
    frame.motion = {s.motion_width, s.motion_height, {}, {}};
    for (int i = 0; i < s.motion_width * s.motion_height; ++i) {
      frame.motion.dx.push_back(static_cast<std::int16_t>(-12 - i % 3));
      frame.motion.dy.push_back(static_cast<std::int16_t>(-5));
    }
  }
  for (int c = 0; c < s.texture_channels; ++c) {
    Plane plane{s.texture_width, s.texture_height, s.texture_levels, {}};
    for (int y = 0; y < s.texture_height; ++y) {
      for (int x = 0; x < s.texture_width; ++x) {
        plane.values.push_back(static_cast<std::uint8_t>(
            (label_at(x, y, s.texture_width, s.texture_height) + c) % s.texture_levels));
      }
    }
    frame.texture.push_back(std::move(plane));
  }
  return frame;
}

}  // namespace semcodec::test
