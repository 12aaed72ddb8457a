#include "common/media/video_decoder.h"

#include <utility>

#include "common/core/error.h"
#include "common/core/log.h"
#include "common/media/hw_device.h"
#include "semcodec/video_types.h"

namespace semcodec::av {
namespace {

AVHWDeviceType type_of(const AVBufferRef& device) {
  return reinterpret_cast<const AVHWDeviceContext*>(device.data)->type;
}

/// The format of pictures that `codec` leaves in the memory of such a device; none when it cannot
/// use one.
AVPixelFormat format_on(const AVCodec& codec, AVHWDeviceType type) {
  for (int i = 0;; ++i) {
    const AVCodecHWConfig* config = avcodec_get_hw_config(&codec, i);
    if (config == nullptr) return AV_PIX_FMT_NONE;
    if ((config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) != 0 &&
        config->device_type == type) {
      return config->pix_fmt;
    }
  }
}

/// A decoder that can use such a device. It need not be the one that libav prefers: for AV1 that
/// is libdav1d, which cannot.
const AVCodec* decoder_on(AVCodecID id, AVHWDeviceType type) {
  void* position = nullptr;
  while (const AVCodec* codec = av_codec_iterate(&position)) {
    if (codec->id == id && av_codec_is_decoder(codec) != 0 &&
        format_on(*codec, type) != AV_PIX_FMT_NONE) {
      return codec;
    }
  }
  return nullptr;
}

}  // namespace

VideoDecoder::VideoDecoder(const AVStream& stream, std::string name, int threads, Buffer device)
    : stream_(stream), name_(std::move(name)), threads_(threads), device_(std::move(device)) {
  if (device_ && open_on_device()) return;
  device_.reset();
  const std::string codec_name = avcodec_get_name(stream_.codecpar->codec_id);
  const AVCodec* codec = avcodec_find_decoder(stream_.codecpar->codec_id);
  require(codec != nullptr, ErrorKind::unsupported,
          "The video codec of " + name_ + " (" + codec_name +
              ") is not supported by this build of libav.");
  open(*codec, threads_);
}

void VideoDecoder::open(const AVCodec& codec, int threads) {
  decoder_.reset(allocated(avcodec_alloc_context3(&codec)));
  if (avcodec_parameters_to_context(decoder_.get(), stream_.codecpar) < 0) throw std::bad_alloc();
  require(decoder_->width <= kMaxVideoDimension && decoder_->height <= kMaxVideoDimension,
          ErrorKind::unsupported,
          name_ + " is " + std::to_string(decoder_->width) + "x" +
              std::to_string(decoder_->height) + "; at most " + std::to_string(kMaxVideoDimension) +
              " pixels a side are supported.");
  decoder_->pkt_timebase = stream_.time_base;
  decoder_->thread_count = threads;
  decoder_->max_pixels = std::int64_t{kMaxVideoDimension} * kMaxVideoDimension;
  if (device_) {
    decoder_->opaque = this;
    decoder_->get_format = choose_format;
    decoder_->hw_device_ctx = allocated(av_buffer_ref(device_.get()));
  }
  clear_messages();
  const int status = avcodec_open2(decoder_.get(), &codec, nullptr);
  require(status >= 0, ErrorKind::unsupported,
          "The video of " + name_ + " (" + avcodec_get_name(stream_.codecpar->codec_id) +
              ") cannot be decoded: " + error_text(status) + folded_message() + ".");
}

bool VideoDecoder::open_on_device() {
  const AVHWDeviceType type = type_of(*device_);
  const AVCodec* codec = decoder_on(stream_.codecpar->codec_id, type);
  if (codec == nullptr) {
    say_fallback("libav has no " + type_name(type) + " decoder for it");
    return false;
  }
  device_format_ = format_on(*codec, type);
  // One thread: the device works beside it, and more would each hold surfaces of it.
  try {
    open(*codec, 1);
  } catch (const Error& error) {
    say_fallback(error.what());
    return false;
  }
  return true;
}

AVPixelFormat VideoDecoder::choose_format(AVCodecContext* decoder, const AVPixelFormat* offered) {
  const auto& self = *static_cast<const VideoDecoder*>(decoder->opaque);
  for (const AVPixelFormat* format = offered; *format != AV_PIX_FMT_NONE; ++format) {
    if (*format == self.device_format_) return *format;
  }
  // The device will not have it, and libav asks again without it. At the beginning the answer
  // "none" makes the decoder fail, and another with all threads takes over.
  if (!self.any_) return AV_PIX_FMT_NONE;
  self.say_fallback("it changes on the way to what the device does not decode");
  return avcodec_default_get_format(decoder, offered);
}

void VideoDecoder::say_fallback(const std::string& cause) const {
  log::warn_once("hwaccel:" + name_,
                 name_ + " (" + avcodec_get_name(stream_.codecpar->codec_id) +
                     ") is decoded on the CPU, whose cores the networks could use, not on the " +
                     type_name(type_of(*device_)) + " device: " + cause + ".");
}

int VideoDecoder::fall_back() {
  const std::string said = last_message();
  const AVCodec* codec = avcodec_find_decoder(stream_.codecpar->codec_id);
  say_fallback(said.empty() ? "it does not decode this kind" : said);
  if (codec == nullptr) return AVERROR_DECODER_NOT_FOUND;
  device_.reset();
  open(*codec, threads_);
  replay_ = std::exchange(kept_, {});
  return replay_.empty() && draining_ ? avcodec_send_packet(decoder_.get(), nullptr) : 0;
}

int VideoDecoder::send(const AVPacket* packet) {
  if (packet == nullptr) {
    draining_ = true;
    return replay_.empty() ? avcodec_send_packet(decoder_.get(), nullptr) : 0;
  }
  if (device_ && !any_) {
    kept_.emplace_back(allocated(av_packet_clone(packet)));
    const int status = avcodec_send_packet(decoder_.get(), packet);
    return status >= 0 || status == AVERROR(EAGAIN) ? status : fall_back();
  }
  if (!replay_.empty()) {
    replay_.emplace_back(allocated(av_packet_clone(packet)));
    return 0;
  }
  return avcodec_send_packet(decoder_.get(), packet);
}

int VideoDecoder::receive_decoded(AVFrame& frame) {
  while (true) {
    const int status = avcodec_receive_frame(decoder_.get(), &frame);
    if (status != AVERROR(EAGAIN) || replay_.empty()) return status;
    const int sent = avcodec_send_packet(decoder_.get(), replay_.front().get());
    replay_.pop_front();
    if (replay_.empty() && draining_) avcodec_send_packet(decoder_.get(), nullptr);
    if (sent < 0) return sent;
  }
}

int VideoDecoder::receive(AVFrame& frame) {
  int status = receive_decoded(frame);
  if (status < 0 && status != AVERROR(EAGAIN) && device_ && !any_) {
    status = fall_back();
    if (status >= 0) status = receive_decoded(frame);
  }
  if (status < 0) return status;
  any_ = true;
  kept_.clear();
  fetch(frame, name_);
  return status;
}

void fetch(AVFrame& frame, const std::string& name) {
  if (frame.hw_frames_ctx == nullptr) return;
  const Frame copy = make_frame();
  int status = av_hwframe_transfer_data(copy.get(), &frame, 0);
  if (status >= 0) status = av_frame_copy_props(copy.get(), &frame);
  require(status >= 0, ErrorKind::device,
          "A picture of " + name + " cannot be copied from the device that decodes it: " +
              error_text(status) + folded_message() + "; use --hwaccel none.");
  av_frame_unref(&frame);
  av_frame_move_ref(&frame, copy.get());
}

}  // namespace semcodec::av
