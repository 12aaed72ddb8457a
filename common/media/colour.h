#pragma once
// Between libav's frames and RgbImage: scaling, matrix, range, chroma siting, orientation. Private
// to this folder.

#include <string>

#include "common/core/image.h"
#include "common/media/av_handles.h"

namespace semcodec::av {

/// How a coded picture is turned to be upright: mirrored left-right first, then rotated clockwise
/// by quarter turns.
struct Orientation {
  bool mirrored = false;
  int quarter_turns = 0;  ///< 0 … 3

  bool transposes() const { return quarter_turns % 2 != 0; }
  bool none() const { return !mirrored && quarter_turns == 0; }
};

/// The nearest of the eight orientations to a display matrix (null = upright).
Orientation orientation_of(const std::int32_t* display_matrix);

/// Colour facts of a frame, with what is untagged guessed as described in reader.h.
struct ColourTags {
  AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;  ///< never unspecified in a result of tags_of()
  bool full_range = false;
};
ColourTags tags_of(const AVFrame& frame);
std::string matrix_name(AVColorSpace matrix);

/// Converts frames to RGB of one size. Keeps its swscale context while the frames stay alike.
class ToRgb {
 public:
  /// The upright picture at width x height. Throws Error(unsupported) for pixel formats or matrices
  /// that swscale does not know; `name` is the file for the sentence.
  RgbImage convert(const AVFrame& frame, int width, int height, Orientation orientation,
                   const std::string& name);

 private:
  void prepare(const AVFrame& frame, int width, int height, const std::string& name);

  Scaler scaler_;
  Frame rgb_;
  AVPixelFormat format_ = AV_PIX_FMT_NONE;
  int source_width_ = 0, source_height_ = 0;
  ColourTags tags_;
  AVChromaLocation siting_ = AVCHROMA_LOC_UNSPECIFIED;
};

/// Converts RGB pictures of any size to YUV frames of one size and format.
class FromRgb {
 public:
  /// `format` is a planar 8-bit YUV format; chroma is sited left, as in H.264 and MPEG-2.
  /// `scaling`: swscale's flag of the filter; 0 = area averaging when either side shrinks, bicubic
  /// otherwise.
  FromRgb(int width, int height, AVPixelFormat format, ColourTags tags, int scaling = 0);

  /// A new frame, tagged. pts is left unset.
  Frame convert(const RgbImage& image);

 private:
  void prepare(const RgbImage& image);

  int width_, height_;
  AVPixelFormat format_;
  ColourTags tags_;
  int scaling_;
  Scaler scaler_;
  Frame rgb_;
};

}  // namespace semcodec::av
