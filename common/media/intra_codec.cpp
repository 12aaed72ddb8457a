#include "common/media/intra_codec.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/core/error.h"
#include "common/media/colour.h"

namespace semcodec {
namespace {

struct IntraCodec {
  const char* name;
  AVCodecID id;
  const char* encoder;
  int worst;           ///< crf at quality 0
  int best;            ///< crf at quality 100
  const char* filter;  ///< drops what carries no picture: SEI, temporal delimiters
};
constexpr std::array<IntraCodec, 3> kCodecs = {{
    {"h264", AV_CODEC_ID_H264, "libx264", 51, 1, "filter_units=remove_types=6"},
    {"hevc", AV_CODEC_ID_HEVC, "libx265", 51, 1, "filter_units=remove_types=39-40"},
    {"av1", AV_CODEC_ID_AV1, "libaom-av1", 63, 1, "filter_units=remove_types=2"},
}};

const IntraCodec* find_codec(const std::string& name) {
  for (const auto& codec : kCodecs) {
    if (name == codec.name) return &codec;
  }
  return nullptr;
}

int padded(int side) { return std::max(64, side + side % 2); }

RgbImage pad(const RgbImage& image) {
  RgbImage result(padded(image.width), padded(image.height));
  for (int y = 0; y < result.height; ++y) {
    const std::uint8_t* from = image.row(std::min(y, image.height - 1));
    std::uint8_t* to = result.row(y);
    std::memcpy(to, from, std::size_t{3} * static_cast<std::size_t>(image.width));
    for (int x = image.width; x < result.width; ++x) {
      std::memcpy(to + std::ptrdiff_t{3} * x, from + std::ptrdiff_t{3} * (image.width - 1), 3);
    }
  }
  return result;
}

RgbImage crop(const RgbImage& image, int width, int height) {
  RgbImage result(width, height);
  for (int y = 0; y < height; ++y) {
    std::memcpy(result.row(y), image.row(y), std::size_t{3} * static_cast<std::size_t>(width));
  }
  return result;
}

// Not written into the stream, where it would cost bytes: both ends know it.
constexpr av::ColourTags kTags{AVCOL_SPC_BT709, true};

av::Packet strip(av::Packet packet, const IntraCodec& codec, const AVCodecContext& encoder) {
  AVBSFContext* made = nullptr;
  require(av_bsf_list_parse_str(codec.filter, &made) >= 0, ErrorKind::unsupported,
          "This build of libav lacks the filter_units bitstream filter.");
  av::Filter filter(made);
  require(avcodec_parameters_from_context(filter->par_in, &encoder) >= 0 &&
              av_bsf_init(filter.get()) >= 0 &&
              av_bsf_send_packet(filter.get(), packet.get()) >= 0 &&
              av_bsf_receive_packet(filter.get(), packet.get()) >= 0,
          ErrorKind::internal, "an intra picture could not be finished.");
  return packet;
}

}  // namespace

bool can_encode_intra(const std::string& codec) {
  const IntraCodec* found = find_codec(codec);
  return found != nullptr && avcodec_find_encoder_by_name(found->encoder) != nullptr;
}

bool can_decode_intra(const std::string& codec) {
  const IntraCodec* found = find_codec(codec);
  return found != nullptr && avcodec_find_decoder(found->id) != nullptr;
}

std::vector<std::uint8_t> encode_intra(const RgbImage& image, const std::string& codec, int quality,
                                       IntraEffort effort) {
  av::capture_log();
  require(can_encode_intra(codec), ErrorKind::unsupported,
          "Intra pictures cannot be coded as \"" + codec + "\" by this build of libav.");
  require(image.width > 0 && image.height > 0 && image.width <= kMaxVideoDimension &&
              image.height <= kMaxVideoDimension,
          ErrorKind::internal, "an intra picture has no possible size.");
  const IntraCodec& entry = *find_codec(codec);
  const RgbImage even = pad(image);
  const AVCodec* library = avcodec_find_encoder_by_name(entry.encoder);
  av::Codec encoder(av::allocated(avcodec_alloc_context3(library)));
  encoder->width = even.width;
  encoder->height = even.height;
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder->time_base = AVRational{1, 25};
  encoder->gop_size = 1;
  encoder->max_b_frames = 0;
  encoder->thread_count = 1;  // the bytes must not depend on the machine
  const int share = std::clamp(quality, 0, 100);
  const int crf = entry.worst + (entry.best - entry.worst) * share / 100;
  av::Options options;
  options.set("crf", std::to_string(crf));
  if (codec == "h264") {
    options.set("preset", "slow");
    options.set("x264-params", "repeat-headers=1:annexb=1:aud=0");
  } else if (codec == "hevc") {
    options.set("preset", "slow");
    options.set("x265-params",
                "repeat-headers=1:info=0:hash=0:pools=none:frame-threads=1:keyint=1:"
                "log-level=none");
  } else {
    encoder->bit_rate = 0;
    // On frames of the training clips LPIPS is 11 % lower at equal size than with cpu-used 4 alone.
    options.set("cpu-used", effort == IntraEffort::fast ? "6" : "1");
    // Builds against an old libaom do not know this usage.
    const AVClass* known = library->priv_class;
    if (av_opt_find(&known, "allintra", "usage", 0, AV_OPT_SEARCH_FAKE_OBJ)) {
      options.set("usage", "allintra");
    }
    options.set("tune", "ssim");
    options.set("still-picture", "1");
    options.set("row-mt", "0");
  }
  av::clear_messages();
  const int status = avcodec_open2(encoder.get(), library, options.get());
  require(status >= 0, ErrorKind::unsupported,
          std::string("The encoder ") + entry.encoder + " refuses an intra picture of " +
              std::to_string(even.width) + "x" + std::to_string(even.height) + ": " +
              av::error_text(status) + av::folded_message() + ".");
  av::Frame frame = av::FromRgb(even.width, even.height, AV_PIX_FMT_YUV420P, kTags).convert(even);
  frame->pts = 0;
  frame->pict_type = AV_PICTURE_TYPE_I;
  av::Packet packet = av::make_packet();
  require(avcodec_send_frame(encoder.get(), frame.get()) >= 0 &&
              avcodec_send_frame(encoder.get(), nullptr) >= 0 &&
              avcodec_receive_packet(encoder.get(), packet.get()) >= 0,
          ErrorKind::internal, std::string(entry.encoder) + " could not encode an intra picture.");
  packet = strip(std::move(packet), entry, *encoder);
  return {packet->data, packet->data + packet->size};
}

RgbImage decode_intra(std::span<const std::uint8_t> bytes, const std::string& codec, int width,
                      int height) {
  av::capture_log();
  require(can_decode_intra(codec), ErrorKind::unsupported,
          "Intra pictures coded as \"" + codec + "\" cannot be decoded by this build of libav.");
  const std::string damaged = "an intra picture (" + codec + ") is damaged";
  require(width > 0 && height > 0 && width <= kMaxVideoDimension && height <= kMaxVideoDimension &&
              !bytes.empty() && bytes.size() <= (1u << 28),
          ErrorKind::corrupt, damaged + ": no possible size.");
  const AVCodec* library = avcodec_find_decoder(find_codec(codec)->id);
  av::Codec decoder(av::allocated(avcodec_alloc_context3(library)));
  decoder->thread_count = 1;
  // Coded sizes are rounded up to whole blocks, of at most 128.
  decoder->max_pixels = (std::int64_t{padded(width)} + 128) * (padded(height) + 128);
  require(avcodec_open2(decoder.get(), library, nullptr) >= 0, ErrorKind::unsupported,
          "The " + codec + " decoder of this build of libav does not start.");
  av::Packet packet = av::make_packet();
  if (av_new_packet(packet.get(), static_cast<int>(bytes.size())) < 0) throw std::bad_alloc();
  std::memcpy(packet->data, bytes.data(), bytes.size());
  packet->flags |= AV_PKT_FLAG_KEY;
  av::Frame frame = av::make_frame();
  av::clear_messages();
  require(avcodec_send_packet(decoder.get(), packet.get()) >= 0 &&
              avcodec_send_packet(decoder.get(), nullptr) >= 0 &&
              avcodec_receive_frame(decoder.get(), frame.get()) >= 0,
          ErrorKind::corrupt, damaged + av::folded_message() + ".");
  require(frame->width == padded(width) && frame->height == padded(height) &&
              frame->format == AV_PIX_FMT_YUV420P,
          ErrorKind::corrupt,
          damaged + ": it is " + std::to_string(frame->width) + "x" +
              std::to_string(frame->height) + " instead of " + std::to_string(padded(width)) + "x" +
              std::to_string(padded(height)) + ".");
  frame->colorspace = kTags.matrix;
  frame->color_range = AVCOL_RANGE_JPEG;
  frame->chroma_location = AVCHROMA_LOC_LEFT;
  const RgbImage whole =
      av::ToRgb().convert(*frame, frame->width, frame->height, {}, "an intra picture");
  return crop(whole, width, height);
}

}  // namespace semcodec
