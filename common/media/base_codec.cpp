#include "common/media/base_codec.h"

#include <aom/aom_encoder.h>
#include <aom/aomcx.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>

#include "common/core/error.h"
#include "common/media/colour.h"

namespace semcodec {
namespace {

constexpr av::ColourTags kTags{AVCOL_SPC_BT709, false};
constexpr int kNoKeyFrames = 9999;
// A temporal delimiter as libaom writes it: header with a size field, and size 0.
constexpr std::uint8_t kDelimiter[] = {0x12, 0x00};

[[noreturn]] void fail(aom_codec_ctx_t& context, const std::string& what) {
  const char* detail = aom_codec_error_detail(&context);
  throw Error(ErrorKind::internal, "libaom could not " + what + ": " + aom_codec_error(&context) +
                                       (detail != nullptr ? std::string(", ") + detail : "") + ".");
}

aom_codec_enc_cfg_t configuration(const BaseCoderOptions& options) {
  aom_codec_enc_cfg_t config;
  require(aom_codec_enc_config_default(aom_codec_av1_cx(), &config, AOM_USAGE_GOOD_QUALITY) ==
              AOM_CODEC_OK,
          ErrorKind::unsupported, "This build of libaom cannot encode AV1.");
  config.g_w = static_cast<unsigned>(options.width);
  config.g_h = static_cast<unsigned>(options.height);
  config.g_threads = 1;  // the bytes must not depend on the machine
  config.g_timebase = {1000,
                       static_cast<int>(std::lround(1000 * std::clamp(options.rate, 0.1, 240.0)))};
  config.g_lag_in_frames = static_cast<unsigned>(options.look_ahead);
  config.rc_end_usage = AOM_Q;
  config.rc_min_quantizer = 0;
  config.rc_max_quantizer = 63;
  config.kf_mode = AOM_KF_AUTO;
  config.kf_min_dist = kNoKeyFrames;
  config.kf_max_dist = kNoKeyFrames;
  return config;
}

class AomCoder : public BaseCoder {
 public:
  explicit AomCoder(const BaseCoderOptions& o)
      : from_rgb_(o.width, o.height, AV_PIX_FMT_YUV420P, kTags, SWS_LANCZOS) {
    const auto config = configuration(o);
    require(aom_codec_enc_init(&context_, aom_codec_av1_cx(), &config, 0) == AOM_CODEC_OK,
            ErrorKind::unsupported,
            "libaom refuses base pictures of " + std::to_string(o.width) + "x" +
                std::to_string(o.height) + ": " + aom_codec_error(&context_) + ".");
    set(AOME_SET_CPUUSED, o.effort);
    set(AV1E_SET_ROW_MT, 0);
  }
  ~AomCoder() override { aom_codec_destroy(&context_); }
  AomCoder(const AomCoder&) = delete;
  AomCoder& operator=(const AomCoder&) = delete;

  void push(const RgbImage& picture, int quantiser) override {
    if (quantiser_ != quantiser) {
      set(AOME_SET_CQ_LEVEL, std::clamp(quantiser, 0, 63));
      quantiser_ = quantiser;
    }
    const av::Frame frame = from_rgb_.convert(picture);
    aom_image_t image;
    require(aom_img_wrap(&image, AOM_IMG_FMT_I420, static_cast<unsigned>(frame->width),
                         static_cast<unsigned>(frame->height), 1, frame->data[0]) != nullptr,
            ErrorKind::internal, "A base picture cannot be handed to libaom.");
    for (int plane = 0; plane < 3; ++plane) {
      image.planes[plane] = frame->data[plane];
      image.stride[plane] = frame->linesize[plane];
    }
    encode(&image);
    collect();
  }

  void finish() override {
    do {
      encode(nullptr);
    } while (collect());
  }

  std::optional<std::vector<std::uint8_t>> pop() override {
    if (units_.empty()) return std::nullopt;
    auto unit = std::move(units_.front());
    units_.pop_front();
    return unit;
  }

 private:
  template <typename Control>
  void set(Control control, int value) {
    if (aom_codec_control(&context_, control, value) != AOM_CODEC_OK) fail(context_, "be set up");
  }

  void encode(const aom_image_t* image) {
    if (aom_codec_encode(&context_, image, count_++, 1, 0) != AOM_CODEC_OK) {
      fail(context_, "code a base picture");
    }
  }

  /// Moves what is coded to `units_`; returns whether there was anything.
  bool collect() {
    bool any = false;
    aom_codec_iter_t iterator = nullptr;
    while (const aom_codec_cx_pkt_t* packet = aom_codec_get_cx_data(&context_, &iterator)) {
      if (packet->kind != AOM_CODEC_CX_FRAME_PKT) continue;
      const auto* bytes = static_cast<const std::uint8_t*>(packet->data.frame.buf);
      std::span<const std::uint8_t> unit(bytes, packet->data.frame.sz);
      const bool delimited = unit.size() > std::size(kDelimiter) &&
                             std::equal(std::begin(kDelimiter), std::end(kDelimiter), unit.begin());
      if (delimited) unit = unit.subspan(std::size(kDelimiter));
      units_.emplace_back(unit.begin(), unit.end());
      any = true;
    }
    return any;
  }

  aom_codec_ctx_t context_{};
  av::FromRgb from_rgb_;
  aom_codec_pts_t count_ = 0;
  int quantiser_ = -1;
  std::deque<std::vector<std::uint8_t>> units_;
};

}  // namespace

std::unique_ptr<BaseCoder> make_base_coder(const BaseCoderOptions& options) {
  return std::make_unique<AomCoder>(options);
}

struct BaseDecoder::State {
  State() {
    av::capture_log();
    library = avcodec_find_decoder_by_name("libdav1d");
    if (library == nullptr) library = avcodec_find_decoder(AV_CODEC_ID_AV1);
    require(library != nullptr, ErrorKind::unsupported,
            "This build of libav has no AV1 decoder, which base pictures need.");
  }

  void open(int width, int height) {
    decoder.reset(av::allocated(avcodec_alloc_context3(library)));
    decoder->thread_count = 1;
    decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;  // one unit in, one picture out
    // Coded sizes are rounded up to whole blocks, of at most 128.
    decoder->max_pixels = (std::int64_t{width} + 128) * (height + 128);
    const int status = avcodec_open2(decoder.get(), library, nullptr);
    require(
        status >= 0, ErrorKind::unsupported,
        "The AV1 decoder of this build of libav does not start: " + av::error_text(status) + ".");
    open_width = width;
    open_height = height;
  }

  const AVCodec* library = nullptr;
  av::Codec decoder;
  int open_width = 0, open_height = 0;
  av::ToRgb to_rgb;
};

BaseDecoder::BaseDecoder() : state_(std::make_unique<State>()) {}
BaseDecoder::~BaseDecoder() = default;
BaseDecoder::BaseDecoder(BaseDecoder&&) noexcept = default;
BaseDecoder& BaseDecoder::operator=(BaseDecoder&&) noexcept = default;

RgbImage BaseDecoder::decode(std::span<const std::uint8_t> unit, int width, int height) {
  State& my = *state_;
  require(width > 0 && height > 0 && width <= kMaxVideoDimension && height <= kMaxVideoDimension &&
              !unit.empty() && unit.size() <= (1u << 24),
          ErrorKind::corrupt, "A base picture has no possible size.");
  if (!my.decoder || my.open_width != width || my.open_height != height) my.open(width, height);
  av::Packet packet = av::make_packet();
  if (av_new_packet(packet.get(), static_cast<int>(unit.size())) < 0) throw std::bad_alloc();
  std::memcpy(packet->data, unit.data(), unit.size());
  av::clear_messages();
  av::Frame frame = av::make_frame();
  int status = avcodec_send_packet(my.decoder.get(), packet.get());
  if (status >= 0) status = avcodec_receive_frame(my.decoder.get(), frame.get());
  const bool sound = status >= 0 && frame->width == width && frame->height == height &&
                     frame->format == AV_PIX_FMT_YUV420P;
  if (!sound) {
    my.decoder.reset();  // what it holds belongs to a stream that is broken
    throw Error(ErrorKind::corrupt,
                "A base picture is damaged" +
                    (status < 0 ? av::folded_message()
                                : ": it is no 8-bit 4:2:0 picture of " + std::to_string(width) +
                                      "x" + std::to_string(height)) +
                    ".");
  }
  frame->colorspace = kTags.matrix;
  frame->color_range = AVCOL_RANGE_MPEG;
  frame->chroma_location = AVCHROMA_LOC_LEFT;
  return my.to_rgb.convert(*frame, width, height, {}, "A base picture");
}

DecodeBase make_decode_base() {
  return [decoder = std::make_shared<BaseDecoder>()](std::span<const std::uint8_t> unit, int width,
                                                     int height) {
    return decoder->decode(unit, width, height);
  };
}

std::string base_codec_versions() { return std::string("libaom ") + aom_codec_version_str(); }

}  // namespace semcodec
