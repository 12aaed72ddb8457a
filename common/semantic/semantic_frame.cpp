#include "common/core/little_endian.h"
#include "semcodec/planes.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "common/core/error.h"
#include "common/core/hash.h"

namespace semcodec {
namespace {

// Times beyond this leave no room for differences in 64 bits.
constexpr std::int64_t kMaxPts = std::int64_t{1} << 61;

void check(bool ok, const std::string& field, const std::string& rule) {
  if (!ok) throw Error(ErrorKind::corrupt, "A semantic frame's " + field + " " + rule + ".");
}

std::size_t cells(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

void check_size(int width, int height, const std::string& field) {
  check(width >= 1 && width <= kMaxPlaneDimension && height >= 1 && height <= kMaxPlaneDimension,
        field,
        "has a size of " + std::to_string(width) + "x" + std::to_string(height) +
            "; it must be 1..." + std::to_string(kMaxPlaneDimension) + " either way");
}

void check_plane(const Plane& plane, const std::string& field) {
  if (plane.empty()) {
    check(plane.width == 0 || plane.height == 0, field, "has a size but no values");
    return;
  }
  check_size(plane.width, plane.height, field);
  check(plane.values.size() == cells(plane.width, plane.height), field,
        "holds " + std::to_string(plane.values.size()) + " values, not width x height");
  check(plane.levels >= 2 && plane.levels <= 256, field,
        "has " + std::to_string(plane.levels) + " levels; it must be 2...256");
  const auto largest = *std::max_element(plane.values.begin(), plane.values.end());
  check(largest < plane.levels, field,
        "holds the value " + std::to_string(largest) + ", but has " + std::to_string(plane.levels) +
            " levels");
}

void check_motion(const SemanticFrame& frame) {
  const MotionField& motion = frame.motion;
  if (motion.empty()) {
    check(motion.dy.empty() && (motion.width == 0 || motion.height == 0), "motion",
          "has a size but no vectors");
    return;
  }
  check(!frame.entry_point && !frame.cut, "motion", "must be empty at entry points and cuts");
  check_size(motion.width, motion.height, "motion");
  const std::size_t count = cells(motion.width, motion.height);
  check(motion.dx.size() == count && motion.dy.size() == count, "motion",
        "does not hold width x height vectors");
  const auto in_range = [](std::int16_t v) { return v >= kMotionMin && v <= kMotionMax; };
  check(std::all_of(motion.dx.begin(), motion.dx.end(), in_range) &&
            std::all_of(motion.dy.begin(), motion.dy.end(), in_range),
        "motion", "leaves the range -1024...1023");
}

void check_times(const SemanticFrame& frame) {
  check(frame.pts > -kMaxPts && frame.pts < kMaxPts, "pts", "is out of range");
  const auto& between = frame.interpolated_pts;
  check(between.size() <= static_cast<std::size_t>(kMaxInterpolatedFrames), "interpolated_pts",
        "has " + std::to_string(between.size()) + " entries; at most " +
            std::to_string(kMaxInterpolatedFrames) + " are allowed");
  for (std::size_t i = 0; i < between.size(); ++i) {
    check(between[i] > -kMaxPts && between[i] < frame.pts, "interpolated_pts",
          "must lie before the frame's pts");
    check(i == 0 || between[i] > between[i - 1], "interpolated_pts", "must increase");
  }
}

/// Collects the canonical byte order: numbers little-endian, in 4 bytes unless said otherwise.
class Canonical {
 public:
  void number(std::size_t value) { append_little(bytes_, value, 4); }
  void number(int value) { number(static_cast<std::size_t>(value)); }
  void plane(const Plane& p) {
    number(p.empty() ? 0 : p.width);
    number(p.empty() ? 0 : p.height);
    number(p.empty() ? 0 : p.levels);
    bytes_.insert(bytes_.end(), p.values.begin(), p.values.end());
  }
  void vectors(const std::vector<std::int16_t>& values) {
    for (const std::int16_t v : values) append_little(bytes_, static_cast<std::uint16_t>(v), 2);
  }
  void byte(std::uint8_t value) { bytes_.push_back(value); }
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

bool has_planes(const SemanticFrame& frame) {
  return frame.motion.width > 0 || frame.structure.width > 0 || frame.labels.width > 0 ||
         !frame.texture.empty();
}

void validate(const SemanticFrame& frame) {
  check_times(frame);
  check_motion(frame);
  check_plane(frame.structure, "structure");
  check_plane(frame.labels, "labels");
  if (frame.labels.empty()) {
    check(frame.palette.empty(), "palette", "must be empty when there are no labels");
  } else {
    check(frame.palette.size() == static_cast<std::size_t>(frame.labels.levels), "palette",
          "has " + std::to_string(frame.palette.size()) + " colours for " +
              std::to_string(frame.labels.levels) + " label levels");
  }
  check(frame.texture.size() <= static_cast<std::size_t>(kMaxTextureChannels), "texture",
        "has " + std::to_string(frame.texture.size()) + " channels; at most " +
            std::to_string(kMaxTextureChannels) + " are allowed");
  for (const Plane& plane : frame.texture) {
    check_plane(plane, "texture");
    check(!plane.empty(), "texture", "has a channel without values");
  }
  if (frame.intra_picture) {
    const auto& codec = frame.intra_picture->codec;
    check(!codec.empty() && codec.size() <= 32, "intra_picture", "names no codec");
    check(!frame.intra_picture->bytes.empty(), "intra_picture", "holds no bytes");
  }
  if (frame.base) {
    const auto side_ok = [](int side) {
      return side >= kMinBaseDimension && side <= kMaxCodedDimension && side % 2 == 0;
    };
    check(side_ok(frame.base->width) && side_ok(frame.base->height), "base picture",
          "has a size of " + std::to_string(frame.base->width) + "x" +
              std::to_string(frame.base->height) + "; sides must be even, from 16 to 4096");
    check(frame.base->quantiser >= 0 && frame.base->quantiser <= kMaxQuantiser, "base picture",
          "names a quantiser beyond 0...63");
    check(!frame.base->bytes.empty(), "base picture", "holds no bytes");
  }
}

void validate(const StreamInfo& info) {
  const auto rule = [](bool ok, const std::string& sentence) {
    require(ok, ErrorKind::corrupt, "The stream header's " + sentence + ".");
  };
  const auto size_ok = [](int w, int h, int limit) {
    return w >= 1 && w <= limit && h >= 1 && h <= limit;
  };
  rule(size_ok(info.width, info.height, 65535), "picture size must be 1...65535 either way");
  rule(size_ok(info.coded_width, info.coded_height, kMaxCodedDimension),
       "coded size must be 1..." + std::to_string(kMaxCodedDimension) + " either way");
  rule(info.time_base_num >= 1 && info.time_base_den >= 1, "time base must be positive");
  rule(info.frame_rate_num >= 0 && info.frame_rate_den >= 1,
       "frame rate must be 0 (unknown) or positive");
  rule(info.sar_num >= 1 && info.sar_den >= 1, "sample aspect ratio must be positive");
  for (const std::string* text :
       {&info.profile, &info.model_name, &info.model_hash, &info.encoder}) {
    rule(text->size() <= 1024, "texts must not exceed 1024 bytes");
  }
}

std::string plane_digest(const SemanticFrame& frame) {
  Canonical out;
  out.number(frame.motion.empty() ? 0 : frame.motion.width);
  out.number(frame.motion.empty() ? 0 : frame.motion.height);
  out.vectors(frame.motion.dx);
  out.vectors(frame.motion.dy);
  out.plane(frame.structure);
  out.plane(frame.labels);
  out.number(frame.palette.size());
  for (const auto& colour : frame.palette) {
    for (const std::uint8_t component : colour) out.byte(component);
  }
  out.number(frame.texture.size());
  for (const Plane& plane : frame.texture) out.plane(plane);
  // Streams without base pictures keep the digests that they had before there were any.
  if (frame.base) {
    out.number(frame.base->width);
    out.number(frame.base->height);
    out.number(frame.base->quantiser);
    out.number(frame.base->bytes.size());
    for (const std::uint8_t byte : frame.base->bytes) out.byte(byte);
  }
  return md5_hex(out.bytes());
}

}  // namespace semcodec
