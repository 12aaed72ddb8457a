#include "common/media/picture.h"

#include <cstring>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/media/av_handles.h"

namespace semcodec {

std::vector<std::uint8_t> encode_png(int width, int height, int channels,
                                     std::span<const std::uint8_t> pixels) {
  av::capture_log();
  const bool sane = width > 0 && height > 0 && width <= kMaxVideoDimension &&
                    height <= kMaxVideoDimension &&
                    (channels == 1 || channels == 3 || channels == 4);
  const std::size_t row =
      sane ? static_cast<std::size_t>(width) * static_cast<std::size_t>(channels) : 0;
  require(sane && pixels.size() == row * static_cast<std::size_t>(height), ErrorKind::output,
          "A PNG of " + std::to_string(width) + "x" + std::to_string(height) + " with " +
              std::to_string(channels) + " channels cannot be made of " +
              std::to_string(pixels.size()) + " bytes.");
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
  require(codec != nullptr, ErrorKind::unsupported, "This build of libav cannot encode PNG.");
  av::Codec encoder(av::allocated(avcodec_alloc_context3(codec)));
  encoder->width = width;
  encoder->height = height;
  encoder->pix_fmt = channels == 1   ? AV_PIX_FMT_GRAY8
                     : channels == 3 ? AV_PIX_FMT_RGB24
                                     : AV_PIX_FMT_RGBA;
  encoder->time_base = AVRational{1, 1};
  encoder->thread_count = 1;
  require(avcodec_open2(encoder.get(), codec, nullptr) >= 0, ErrorKind::unsupported,
          "This build of libav cannot encode PNG.");
  av::Frame frame = av::make_frame();
  frame->width = width;
  frame->height = height;
  frame->format = encoder->pix_fmt;
  if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
  for (int y = 0; y < height; ++y) {
    std::memcpy(frame->data[0] + std::ptrdiff_t{frame->linesize[0]} * y,
                pixels.data() + row * static_cast<std::size_t>(y), row);
  }
  frame->pts = 0;
  av::Packet packet = av::make_packet();
  require(avcodec_send_frame(encoder.get(), frame.get()) >= 0 &&
              avcodec_send_frame(encoder.get(), nullptr) >= 0 &&
              avcodec_receive_packet(encoder.get(), packet.get()) >= 0,
          ErrorKind::internal, "A picture could not be encoded as PNG.");
  return {packet->data, packet->data + packet->size};
}

void write_png(const std::string& path, int width, int height, int channels,
               std::span<const std::uint8_t> pixels) {
  const auto bytes = encode_png(width, height, channels, pixels);
  OutputFile file(path);
  file.write(bytes);
  file.commit();
}

void write_png(const std::string& path, const RgbImage& image) {
  write_png(path, image.width, image.height, 3, image.pixels);
}

}  // namespace semcodec
