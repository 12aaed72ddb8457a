#include "common/media/colour.h"

#include <cstdlib>
#include <cstring>

#include "common/core/error.h"

namespace semcodec::av {
namespace {

constexpr int kExact = SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT;

/// Area averaging when either side shrinks, bicubic otherwise (chroma planes included).
int scaling_flags(int source_width, int source_height, int width, int height) {
  const bool shrinks = width < source_width || height < source_height;
  return kExact | (shrinks ? SWS_AREA : SWS_BICUBIC);
}

void set_option(SwsContext* scaler, const char* name, std::int64_t value) {
  av_opt_set_int(scaler, name, value, 0);
}

/// swscale counts chroma positions in 1/256 of a luma sample; -513 leaves its default.
void set_siting(SwsContext* scaler, const char* side, AVPixelFormat format,
                AVChromaLocation siting) {
  const AVPixFmtDescriptor* layout = av_pix_fmt_desc_get(format);
  if (layout == nullptr || (layout->log2_chroma_w == 0 && layout->log2_chroma_h == 0)) return;
  if (siting == AVCHROMA_LOC_UNSPECIFIED) siting = AVCHROMA_LOC_LEFT;
  const bool centre_x =
      siting == AVCHROMA_LOC_CENTER || siting == AVCHROMA_LOC_TOP || siting == AVCHROMA_LOC_BOTTOM;
  const bool top = siting == AVCHROMA_LOC_TOPLEFT || siting == AVCHROMA_LOC_TOP;
  const bool bottom = siting == AVCHROMA_LOC_BOTTOMLEFT || siting == AVCHROMA_LOC_BOTTOM;
  const std::string prefix = side;
  if (layout->log2_chroma_w == 1) {
    set_option(scaler, (prefix + "_h_chr_pos").c_str(), centre_x ? 128 : 0);
  }
  if (layout->log2_chroma_h == 1) {
    set_option(scaler, (prefix + "_v_chr_pos").c_str(), top ? 0 : bottom ? 256 : 128);
  }
}

void set_colours(SwsContext* scaler, ColourTags source, ColourTags target) {
  constexpr int kOne = 1 << 16;
  sws_setColorspaceDetails(scaler, sws_getCoefficients(source.matrix), source.full_range ? 1 : 0,
                           sws_getCoefficients(target.matrix), target.full_range ? 1 : 0, 0, kOne,
                           kOne);
}

/// A frame with rows aligned for SIMD, which may read or write a little past a row's end.
Frame make_picture(int width, int height, AVPixelFormat format) {
  Frame frame = make_frame();
  frame->width = width;
  frame->height = height;
  frame->format = format;
  if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
  return frame;
}

/// Copies the picture with its orientation applied. `image` has the upright size.
void copy_upright(const AVFrame& rgb, Orientation orientation, RgbImage& image) {
  const auto row_of = [&rgb](int y) { return rgb.data[0] + std::ptrdiff_t{rgb.linesize[0]} * y; };
  if (orientation.none()) {
    for (int y = 0; y < image.height; ++y) {
      std::memcpy(image.row(y), row_of(y), std::size_t{3} * static_cast<std::size_t>(rgb.width));
    }
    return;
  }
  const int last_x = rgb.width - 1;
  const int last_y = rgb.height - 1;
  for (int y = 0; y < image.height; ++y) {
    std::uint8_t* out = image.row(y);
    for (int x = 0; x < image.width; ++x, out += 3) {
      int from_x = x;
      int from_y = y;
      switch (orientation.quarter_turns) {
        case 1:
          from_x = y, from_y = last_y - x;
          break;
        case 2:
          from_x = last_x - x, from_y = last_y - y;
          break;
        case 3:
          from_x = last_x - y, from_y = x;
          break;
        default:
          break;
      }
      if (orientation.mirrored) from_x = last_x - from_x;
      std::memcpy(out, row_of(from_y) + std::ptrdiff_t{3} * from_x, 3);
    }
  }
}

}  // namespace

Orientation orientation_of(const std::int32_t* display_matrix) {
  if (display_matrix == nullptr) return {};
  // (x, y) of the coded picture is shown at (a x + c y, b x + d y); 64 bits, for abs and products.
  std::int64_t a = display_matrix[0];
  std::int64_t b = display_matrix[1];
  const std::int64_t c = display_matrix[3];
  const std::int64_t d = display_matrix[4];
  if ((a == 0 && b == 0) || (c == 0 && d == 0)) return {};
  Orientation orientation;
  const bool transposes = std::abs(b) > std::abs(a);
  orientation.mirrored = transposes ? (b < 0) == (c < 0) : (a < 0) != (d < 0);
  if (orientation.mirrored) {
    a = -a;
    b = -b;
  }
  orientation.quarter_turns = transposes ? (b > 0 ? 1 : 3) : (a > 0 ? 0 : 2);
  return orientation;
}

ColourTags tags_of(const AVFrame& frame) {
  ColourTags tags;
  const auto format = static_cast<AVPixelFormat>(frame.format);
  const AVPixFmtDescriptor* layout = av_pix_fmt_desc_get(format);
  const bool rgb = layout != nullptr && (layout->flags & AV_PIX_FMT_FLAG_RGB) != 0;
  const bool palette = layout != nullptr && (layout->flags & AV_PIX_FMT_FLAG_PAL) != 0;
  const bool grey = layout != nullptr && layout->nb_components <= 2 && !palette;
  const bool jpeg = format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_YUVJ422P ||
                    format == AV_PIX_FMT_YUVJ444P || format == AV_PIX_FMT_YUVJ440P ||
                    format == AV_PIX_FMT_YUVJ411P;
  tags.full_range = rgb || palette || jpeg || frame.color_range == AVCOL_RANGE_JPEG ||
                    (grey && frame.color_range == AVCOL_RANGE_UNSPECIFIED);
  tags.matrix = frame.colorspace;
  if (rgb || palette) {
    tags.matrix = AVCOL_SPC_RGB;
  } else if (tags.matrix == AVCOL_SPC_UNSPECIFIED || tags.matrix == AVCOL_SPC_RESERVED ||
             tags.matrix == AVCOL_SPC_RGB) {
    // JPEG pictures are BT.601 whatever their size.
    const bool bt709 = !jpeg && guess_bt709(frame.width, frame.height);
    tags.matrix = bt709 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
  }
  return tags;
}

std::string matrix_name(AVColorSpace matrix) {
  switch (matrix) {
    case AVCOL_SPC_RGB:
      return "rgb";
    case AVCOL_SPC_BT709:
      return "bt709";
    case AVCOL_SPC_FCC:
      return "fcc";
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return "bt601";
    case AVCOL_SPC_SMPTE240M:
      return "smpte240m";
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return "bt2020";
    default:
      break;
  }
  const char* name = av_color_space_name(matrix);
  return name == nullptr ? "unknown" : name;
}

void ToRgb::prepare(const AVFrame& frame, int width, int height, const std::string& name) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  const ColourTags tags = tags_of(frame);
  const bool alike = scaler_ && rgb_->width == width && rgb_->height == height &&
                     format_ == format && source_width_ == frame.width &&
                     source_height_ == frame.height && tags.matrix == tags_.matrix &&
                     tags.full_range == tags_.full_range && siting_ == frame.chroma_location;
  if (alike) return;
  const std::string matrix = matrix_name(tags.matrix);
  const bool known = matrix == "rgb" || matrix == "bt601" || matrix == "bt709" ||
                     matrix == "bt2020" || matrix == "smpte240m" || matrix == "fcc";
  require(known, ErrorKind::unsupported,
          name + " uses the colour matrix " + matrix +
              ", which is not supported; convert it to "
              "BT.709 first.");
  const char* format_name = av_get_pix_fmt_name(format);
  require(format_name != nullptr && sws_isSupportedInput(format) != 0, ErrorKind::unsupported,
          name + " uses the pixel format " + (format_name == nullptr ? "unknown" : format_name) +
              ", which is not supported.");
  scaler_.reset(allocated(sws_alloc_context()));
  SwsContext* scaler = scaler_.get();
  set_option(scaler, "srcw", frame.width);
  set_option(scaler, "srch", frame.height);
  set_option(scaler, "src_format", format);
  set_option(scaler, "src_range", tags.full_range ? 1 : 0);
  set_option(scaler, "dstw", width);
  set_option(scaler, "dsth", height);
  set_option(scaler, "dst_format", AV_PIX_FMT_RGB24);
  set_option(scaler, "sws_flags", scaling_flags(frame.width, frame.height, width, height));
  set_siting(scaler, "src", format, frame.chroma_location);
  if (sws_init_context(scaler, nullptr, nullptr) < 0) {
    scaler_.reset();
    throw Error(ErrorKind::unsupported, "Pictures of " + name + " (" + format_name +
                                            ") cannot be scaled to the size asked for.");
  }
  set_colours(scaler, tags, {AVCOL_SPC_BT709, true});
  rgb_ = make_picture(width, height, AV_PIX_FMT_RGB24);
  format_ = format;
  source_width_ = frame.width;
  source_height_ = frame.height;
  tags_ = tags;
  siting_ = frame.chroma_location;
}

RgbImage ToRgb::convert(const AVFrame& frame, int width, int height, Orientation orientation,
                        const std::string& name) {
  const bool transposes = orientation.transposes();
  prepare(frame, transposes ? height : width, transposes ? width : height, name);
  sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, rgb_->data, rgb_->linesize);
  RgbImage image(width, height);
  copy_upright(*rgb_, orientation, image);
  return image;
}

FromRgb::FromRgb(int width, int height, AVPixelFormat format, ColourTags tags, int scaling)
    : width_(width), height_(height), format_(format), tags_(tags), scaling_(scaling) {}

void FromRgb::prepare(const RgbImage& image) {
  if (scaler_ && rgb_->width == image.width && rgb_->height == image.height) return;
  scaler_.reset(allocated(sws_alloc_context()));
  SwsContext* scaler = scaler_.get();
  set_option(scaler, "srcw", image.width);
  set_option(scaler, "srch", image.height);
  set_option(scaler, "src_format", AV_PIX_FMT_RGB24);
  set_option(scaler, "dstw", width_);
  set_option(scaler, "dsth", height_);
  set_option(scaler, "dst_format", format_);
  set_option(scaler, "dst_range", tags_.full_range ? 1 : 0);
  set_option(scaler, "sws_flags",
             scaling_ != 0 ? kExact | scaling_
                           : scaling_flags(image.width, image.height, width_, height_));
  set_siting(scaler, "dst", format_, AVCHROMA_LOC_LEFT);
  if (sws_init_context(scaler, nullptr, nullptr) < 0) {
    scaler_.reset();
    throw Error(ErrorKind::output, "A picture of " + std::to_string(image.width) + "x" +
                                       std::to_string(image.height) + " cannot be scaled to " +
                                       std::to_string(width_) + "x" + std::to_string(height_) +
                                       ".");
  }
  set_colours(scaler, {AVCOL_SPC_BT709, true}, tags_);
  rgb_ = make_picture(image.width, image.height, AV_PIX_FMT_RGB24);
}

Frame FromRgb::convert(const RgbImage& image) {
  prepare(image);
  for (int y = 0; y < image.height; ++y) {
    std::memcpy(rgb_->data[0] + std::ptrdiff_t{rgb_->linesize[0]} * y, image.row(y),
                std::size_t{3} * static_cast<std::size_t>(image.width));
  }
  Frame frame = make_picture(width_, height_, format_);
  sws_scale(scaler_.get(), rgb_->data, rgb_->linesize, 0, image.height, frame->data,
            frame->linesize);
  frame->colorspace = tags_.matrix;
  frame->color_range = tags_.full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  frame->color_primaries = AVCOL_PRI_BT709;
  frame->color_trc = AVCOL_TRC_BT709;
  frame->chroma_location = AVCHROMA_LOC_LEFT;
  return frame;
}

}  // namespace semcodec::av
