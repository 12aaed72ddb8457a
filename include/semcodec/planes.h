#pragma once
/// @file
/// SemanticFrame: the one vocabulary that sender and receiver share.
///
/// A SemanticFrame is what is said about one moment of the video (a "coded frame"): a few small
/// integer planes. The frames between two coded frames carry no planes of their own; only their
/// timestamps are sent, and the receiver renders them along the motion between the coded ones.
/// Everything here is integer and decodes bit-exactly on every machine.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "semcodec/export.h"

namespace semcodec {

/// A plane of small integers, row-major, values in [0, levels). levels is 2..256.
struct Plane {
  int width = 0;
  int height = 0;
  int levels = 0;
  std::vector<std::uint8_t> values;  ///< width * height

  bool empty() const { return values.empty(); }
  bool operator==(const Plane&) const = default;
};

/// Coarse backward motion: cell (x, y) of this coded frame shows what was at
/// (centre of the cell) + (dx, dy) in the coded frame before it.
/// Unit: 1/4 pixel of the coded size. Range: [-1024, 1023] (so ±256 pixels).
struct MotionField {
  int width = 0;                     ///< cells
  int height = 0;                    ///< cells
  std::vector<std::int16_t> dx, dy;  ///< width * height each, row-major

  bool empty() const { return dx.empty(); }
  bool operator==(const MotionField&) const = default;
};

inline constexpr int kMotionUnitsPerPixel = 4;
inline constexpr int kMotionMin = -1024;
inline constexpr int kMotionMax = 1023;

/// Colours of the clusters, full-range RGB, indexed by the label plane's values.
using Palette = std::vector<std::array<std::uint8_t, 3>>;  ///< 2..256 entries

/// An intra picture coded by an ordinary intra codec, kept as intra picture memory.
struct IntraPicture {
  std::string codec;                ///< libavcodec name: "av1", "hevc", "h264"
  std::vector<std::uint8_t> bytes;  ///< one intra frame at the coded size
  bool operator==(const IntraPicture&) const = default;
};

/// A low-resolution picture of the whole frame, coded by a conventional video codec with reference
/// to the base pictures before it: an AV1 temporal unit without its temporal delimiter, YUV 4:2:0,
/// BT.709, limited range. An entry point's begins with a sequence header and a key frame.
struct BasePicture {
  int width = 0;  ///< pixels; even, from 16 to the coded size
  int height = 0;
  int quantiser = 0;  ///< what the encoder aimed at, 0 (finest) to kMaxQuantiser; for the generator
  std::vector<std::uint8_t> bytes;

  bool operator==(const BasePicture&) const = default;
};

inline constexpr int kMaxQuantiser = 63;  ///< libaom's and SVT-AV1's scale
inline constexpr int kMinBaseDimension = 16;

/// One coded frame. Planes that are empty were not sent.
struct SemanticFrame {
  std::int64_t pts = 0;  ///< presentation time, in StreamInfo::time_base units
  std::vector<std::int64_t> interpolated_pts;  ///< times of the frames between the previous coded
                                               ///< frame and this one, increasing, all < pts
  bool entry_point = false;  ///< decoding can start here: no motion, coder state starts afresh
  bool cut = false;          ///< nothing of the earlier pictures belongs to this scene; frames in
                             ///< interpolated_pts before the cut hold the earlier coded frame

  MotionField motion;  ///< empty at entry points and cuts
  Plane structure;     ///< edge strength, 0 = no edge
  Plane labels;        ///< cluster index; labels.levels == palette.size()
  Palette palette;
  std::vector<Plane> texture;                 ///< learned integers, one plane a channel (optional)
  std::optional<IntraPicture> intra_picture;  ///< optional
  std::optional<BasePicture> base;            ///< optional

  bool operator==(const SemanticFrame&) const = default;
};

/// What holds for a whole stream.
struct StreamInfo {
  int width = 0;  ///< of the source as displayed (after rotation), pixels
  int height = 0;
  int coded_width = 0;  ///< coded size: planes, motion and networks refer to it
  int coded_height = 0;
  int time_base_num = 1;  ///< seconds per pts unit = num / den
  int time_base_den = 1;
  int frame_rate_num = 0;  ///< nominal rate, 0 when unknown
  int frame_rate_den = 1;
  int sar_num = 1;  ///< sample aspect ratio of the displayed picture
  int sar_den = 1;
  std::string profile;     ///< "semantic", "hybrid" or "paper"
  std::string model_name;  ///< of the generator package that the encoder meant
  std::string model_hash;  ///< first 16 hex digits of the sha256 of its generator weights
  std::string encoder;     ///< program and version, for people

  bool operator==(const StreamInfo&) const = default;
};

/// What the planes of a coded frame cost, in 1/256 bit (ideal code length; a counter's 4 bits and
/// the rounding up to whole bytes, at most 2 bytes, are not in it).
struct EncodeStats {
  std::uint64_t motion = 0;
  std::uint64_t palette = 0;
  std::uint64_t structure = 0;
  std::uint64_t labels = 0;
  std::uint64_t texture = 0;

  std::uint64_t total() const { return motion + palette + structure + labels + texture; }
  EncodeStats& operator+=(const EncodeStats& other) {
    motion += other.motion;
    palette += other.palette;
    structure += other.structure;
    labels += other.labels;
    texture += other.texture;
    return *this;
  }
};

inline constexpr std::uint64_t kStatsUnitsPerBit = 256;

/// A cost in bits.
inline double cost_bits(std::uint64_t cost) {
  return static_cast<double>(cost) / static_cast<double>(kStatsUnitsPerBit);
}

/// Limits that every decoder enforces before it allocates.
inline constexpr int kMaxCodedDimension = 4096;
inline constexpr int kMaxPlaneDimension = 4096;
inline constexpr int kMaxTextureChannels = 64;
inline constexpr int kMaxInterpolatedFrames = 4096;

/// Throws Error(corrupt), naming the field, when a frame breaks one of the rules above.
SEMCODEC_API void validate(const SemanticFrame& frame);
SEMCODEC_API void validate(const StreamInfo& info);

/// True when there is a motion field, an edge map, labels or texture, with or without values.
bool has_planes(const SemanticFrame& frame);

/// A digest of the decoded planes, motion and palette (not of pts): 32 hex digits of MD5 over a
/// canonical byte order (docs/format.md). The same on every machine; golden streams pin it.
SEMCODEC_API std::string plane_digest(const SemanticFrame& frame);

}  // namespace semcodec
