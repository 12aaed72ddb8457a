#pragma once
// The decoder of a video stream, on a device where there is one and it can, else on the CPU.
// Private to this folder.

#include <deque>
#include <string>

#include "common/media/av_handles.h"

namespace semcodec::av {

/// A decoder on a device that does not bring forth a first picture (the codec, its profile or the
/// size is not the device's) is replaced by the usual one, which gets all packets again. That is
/// said once.
class VideoDecoder {
 public:
  /// `device`: null = decode on the CPU, with `threads` threads (0 = one a core). `name` is the
  /// file, for sentences. Throws Error(unsupported) when libav has no decoder for the stream or
  /// will not open it.
  VideoDecoder(const AVStream& stream, std::string name, int threads, Buffer device);
  VideoDecoder(const VideoDecoder&) = delete;
  VideoDecoder& operator=(const VideoDecoder&) = delete;

  /// Like avcodec_send_packet(); null at the end.
  int send(const AVPacket* packet);

  /// Like avcodec_receive_frame(); the picture is in main memory. Throws Error(device) when one
  /// cannot be copied from the device.
  int receive(AVFrame& frame);

  /// Whether pictures come from the device, as far as is known.
  bool on_device() const { return device_ != nullptr; }

 private:
  static AVPixelFormat choose_format(AVCodecContext* decoder, const AVPixelFormat* offered);
  void open(const AVCodec& codec, int threads);
  bool open_on_device();
  int fall_back();
  int receive_decoded(AVFrame& frame);
  void say_fallback(const std::string& cause) const;

  const AVStream& stream_;
  std::string name_;
  int threads_;
  Buffer device_;
  AVPixelFormat device_format_ = AV_PIX_FMT_NONE;
  bool any_ = false;           ///< a picture has come
  bool draining_ = false;      ///< the end was sent
  std::deque<Packet> kept_;    ///< on a device, until the first picture: all that was sent
  std::deque<Packet> replay_;  ///< after a fallback: still to be sent again
  Codec decoder_;
};

/// Replaces a frame in a device's memory by a copy in main memory, as `name` has it for sentences;
/// leaves others alone. Throws Error(device).
void fetch(AVFrame& frame, const std::string& name);

}  // namespace semcodec::av
