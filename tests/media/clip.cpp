#include "tests/media/clip.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numbers>
#include <stdexcept>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/media/audio_params.h"
#include "common/media/av_handles.h"

namespace semcodec::test {
namespace {

void expect(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("the test could not ") + what);
}

/// Opens an output of its own, so that the clips do not depend on the writer under test.
av::Output open_muxer(const std::string& path, const AVCodecContext& encoder) {
  AVFormatContext* made = nullptr;
  expect(avformat_alloc_output_context2(&made, nullptr, "matroska", path.c_str()) >= 0,
         "make a muxer");
  av::Output muxer(made);
  AVStream* stream = av::allocated(avformat_new_stream(made, nullptr));
  expect(avcodec_parameters_from_context(stream->codecpar, &encoder) >= 0, "describe a stream");
  stream->time_base = encoder.time_base;
  expect(avio_open(&made->pb, path.c_str(), AVIO_FLAG_WRITE) >= 0, "open a file");
  expect(avformat_write_header(made, nullptr) >= 0, "write a header");
  return muxer;
}

void close_muxer(av::Output& muxer) {
  expect(av_write_trailer(muxer.get()) >= 0, "finish a file");
  avio_closep(&muxer->pb);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "semcodec_media_XXXXXX").string();
  expect(mkdtemp(name.data()) != nullptr, "make a folder");
  folder_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code code;
  std::filesystem::remove_all(folder_, code);
}

std::vector<std::string> TemporaryFolder::files() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

RgbImage gradient(int width, int height, int step) {
  RgbImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = image.row(y) + std::ptrdiff_t{3} * x;
      const double u = (x + 2.0 * step) / width;
      const double v = (y + 1.0 * step) / height;
      pixel[0] = static_cast<std::uint8_t>(std::lround(128 + 90 * std::sin(2 * u + v)));
      pixel[1] = static_cast<std::uint8_t>(std::lround(128 + 90 * std::cos(u + 3 * v)));
      pixel[2] = static_cast<std::uint8_t>(std::lround(128 + 90 * std::sin(2 * u - 2 * v)));
    }
  }
  return image;
}

RgbImage quarters(int width, int height, const std::array<Colour, 4>& colours) {
  RgbImage image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const std::size_t quarter = (y < height / 2 ? 0u : 2u) + (x < width / 2 ? 0u : 1u);
      for (std::size_t c = 0; c < 3; ++c) {
        image.row(y)[static_cast<std::size_t>(3 * x) + c] =
            static_cast<std::uint8_t>(colours[quarter][c]);
      }
    }
  }
  return image;
}

Colour quarter_of(const RgbImage& image, int quarter) {
  const int x = quarter % 2 == 0 ? image.width / 4 : image.width - 1 - image.width / 4;
  const int y = quarter < 2 ? image.height / 4 : image.height - 1 - image.height / 4;
  const std::uint8_t* pixel = image.row(y) + std::ptrdiff_t{3} * x;
  return {pixel[0], pixel[1], pixel[2]};
}

int colour_distance(const Colour& a, const Colour& b) {
  int worst = 0;
  for (std::size_t c = 0; c < 3; ++c) worst = std::max(worst, std::abs(a[c] - b[c]));
  return worst;
}

double psnr(const RgbImage& a, const RgbImage& b) {
  expect(a.width == b.width && a.height == b.height, "compare pictures of different sizes");
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const double difference = static_cast<double>(a.pixels[i]) - b.pixels[i];
    sum += difference * difference;
  }
  const double mean = sum / static_cast<double>(a.pixels.size());
  return mean == 0 ? 100.0 : 10 * std::log10(255.0 * 255.0 / mean);
}

Clip read_clip(const std::string& path, const ReaderOptions& options) {
  VideoReader reader(path, options);
  Clip clip;
  const auto take_audio = [&] {
    auto packets = reader.take_audio();
    std::move(packets.begin(), packets.end(), std::back_inserter(clip.audio));
  };
  while (auto frame = reader.next()) {
    clip.frames.push_back(std::move(*frame));
    take_audio();
  }
  take_audio();
  clip.info = reader.info();
  clip.audio_info = reader.audio_info();
  clip.warning = reader.warning();
  return clip;
}

void write_clip(const std::string& path, int width, int height,
                const std::vector<std::int64_t>& times, const WriterOptions& options) {
  VideoWriter writer(path, options);
  for (std::size_t i = 0; i < times.size(); ++i) {
    writer.write(gradient(width, height, static_cast<int>(i)), times[i]);
  }
  writer.finish();
}

std::vector<std::int64_t> regular_times(int count, std::int64_t step) {
  std::vector<std::int64_t> times;
  for (int i = 0; i < count; ++i) times.push_back(i * step);
  return times;
}

void write_flat_clip(const std::string& path, const FlatClip& clip,
                     const std::array<Colour, 4>& colours) {
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_FFV1);
  expect(codec != nullptr, "find the FFV1 encoder");
  av::Codec encoder(av::allocated(avcodec_alloc_context3(codec)));
  encoder->width = clip.width;
  encoder->height = clip.height;
  encoder->pix_fmt = AV_PIX_FMT_YUV444P;
  encoder->time_base = AVRational{1, 25};
  encoder->framerate = AVRational{25, 1};
  encoder->colorspace = static_cast<AVColorSpace>(clip.matrix_tag);
  if (clip.range_tag) {
    encoder->color_range = clip.full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  }
  expect(avcodec_open2(encoder.get(), codec, nullptr) >= 0, "open FFV1");
  av::Output muxer = open_muxer(path, *encoder);

  av::Frame frame = av::make_frame();
  frame->width = clip.width;
  frame->height = clip.height;
  frame->format = AV_PIX_FMT_YUV444P;
  expect(av_frame_get_buffer(frame.get(), 0) >= 0, "make a frame");
  const RgbImage rgb = quarters(clip.width, clip.height, colours);
  for (int y = 0; y < clip.height; ++y) {
    for (int x = 0; x < clip.width; ++x) {
      const std::uint8_t* pixel = rgb.row(y) + std::ptrdiff_t{3} * x;
      const double luma =
          clip.kr * pixel[0] + (1 - clip.kr - clip.kb) * pixel[1] + clip.kb * pixel[2];
      const double cb = (pixel[2] - luma) / (2 * (1 - clip.kb));
      const double cr = (pixel[0] - luma) / (2 * (1 - clip.kr));
      const double scale_y = clip.full_range ? 1.0 : 219.0 / 255;
      const double scale_c = clip.full_range ? 1.0 : 224.0 / 255;
      const std::array<double, 3> values = {(clip.full_range ? 0 : 16) + scale_y * luma,
                                            128 + scale_c * cb, 128 + scale_c * cr};
      for (std::size_t plane = 0; plane < 3; ++plane) {
        frame->data[plane][frame->linesize[plane] * y + x] =
            static_cast<std::uint8_t>(std::clamp(std::lround(values[plane]), 0L, 255L));
      }
    }
  }
  frame->pts = 0;
  av::Packet packet = av::make_packet();
  expect(avcodec_send_frame(encoder.get(), frame.get()) >= 0 &&
             avcodec_send_frame(encoder.get(), nullptr) >= 0 &&
             avcodec_receive_packet(encoder.get(), packet.get()) >= 0,
         "encode FFV1");
  packet->stream_index = 0;
  packet->duration = 1;
  av_packet_rescale_ts(packet.get(), encoder->time_base, muxer->streams[0]->time_base);
  expect(av_interleaved_write_frame(muxer.get(), packet.get()) >= 0, "write a packet");
  close_muxer(muxer);
}

Sound sine(const std::string& encoder_name, double seconds, int sample_rate, int channels) {
  av::capture_log();
  const AVCodec* codec = avcodec_find_encoder_by_name(encoder_name.c_str());
  expect(codec != nullptr, "find the audio encoder");
  av::Codec encoder(av::allocated(avcodec_alloc_context3(codec)));
  encoder->sample_rate = sample_rate;
  av_channel_layout_default(&encoder->ch_layout, channels);
  encoder->sample_fmt = codec->sample_fmts[0];
  encoder->bit_rate = 96000;
  encoder->time_base = AVRational{1, sample_rate};
  encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  expect(avcodec_open2(encoder.get(), codec, nullptr) >= 0, "open the audio encoder");

  Sound sound;
  av::Parameters parameters(av::allocated(avcodec_parameters_alloc()));
  expect(avcodec_parameters_from_context(parameters.get(), encoder.get()) >= 0, "describe audio");
  sound.info = av::to_info(*parameters, encoder->time_base);

  const int step = encoder->frame_size > 0 ? encoder->frame_size : 1024;
  const auto total = static_cast<std::int64_t>(seconds * sample_rate) / step * step;
  const bool planar = av_sample_fmt_is_planar(encoder->sample_fmt) != 0;
  const bool floats = av_get_packed_sample_fmt(encoder->sample_fmt) == AV_SAMPLE_FMT_FLT;
  av::Packet packet = av::make_packet();
  for (std::int64_t at = 0; at <= total; at += step) {
    av::Frame frame = av::make_frame();
    frame->nb_samples = step;
    frame->format = encoder->sample_fmt;
    frame->sample_rate = sample_rate;
    expect(av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout) >= 0 &&
               av_frame_get_buffer(frame.get(), 0) >= 0,
           "make an audio frame");
    for (int i = 0; i < step; ++i) {
      const double value =
          0.5 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(at + i) / sample_rate);
      for (int c = 0; c < channels; ++c) {
        std::uint8_t* plane = frame->extended_data[planar ? c : 0];
        const int index = planar ? i : i * channels + c;
        if (floats) {
          reinterpret_cast<float*>(plane)[index] = static_cast<float>(value);
        } else {
          reinterpret_cast<std::int16_t*>(plane)[index] =
              static_cast<std::int16_t>(std::lround(value * 32767));
        }
      }
    }
    frame->pts = at;
    const bool last = at == total;
    expect(avcodec_send_frame(encoder.get(), last ? nullptr : frame.get()) >= 0, "encode audio");
    while (avcodec_receive_packet(encoder.get(), packet.get()) >= 0) {
      if (packet->size == 0) continue;  // FLAC ends with its final header beside no samples
      const std::int64_t duration = packet->duration > 0 ? packet->duration : step;
      sound.packets.push_back({packet->pts, duration, {packet->data, packet->data + packet->size}});
      av_packet_unref(packet.get());
    }
  }
  return sound;
}

std::vector<float> decode_sound(const AudioInfo& info, const std::vector<AudioPacket>& packets) {
  const av::Parameters parameters = av::to_parameters(info);
  const AVCodec* codec = avcodec_find_decoder(parameters->codec_id);
  expect(codec != nullptr, "find the audio decoder");
  av::Codec decoder(av::allocated(avcodec_alloc_context3(codec)));
  expect(avcodec_parameters_to_context(decoder.get(), parameters.get()) >= 0 &&
             avcodec_open2(decoder.get(), codec, nullptr) >= 0,
         "open the audio decoder");
  std::vector<float> samples;
  av::Frame frame = av::make_frame();
  for (std::size_t i = 0; i <= packets.size(); ++i) {
    const av::Packet packet = i < packets.size() ? av::to_packet(packets[i]) : nullptr;
    expect(avcodec_send_packet(decoder.get(), packet.get()) >= 0, "decode audio");
    while (avcodec_receive_frame(decoder.get(), frame.get()) >= 0) {
      const bool planar = av_sample_fmt_is_planar(decoder->sample_fmt) != 0;
      const bool floats = av_get_packed_sample_fmt(decoder->sample_fmt) == AV_SAMPLE_FMT_FLT;
      const int stride = planar ? 1 : frame->ch_layout.nb_channels;
      for (int n = 0; n < frame->nb_samples; ++n) {
        samples.push_back(floats ? reinterpret_cast<const float*>(frame->data[0])[n * stride]
                                 : static_cast<float>(reinterpret_cast<const std::int16_t*>(
                                       frame->data[0])[n * stride]) /
                                       32768);
      }
    }
  }
  return samples;
}

double frequency(const std::vector<float>& samples, int sample_rate) {
  // Rising zero crossings over the middle half, where no encoder delay disturbs.
  const std::size_t begin = samples.size() / 4;
  const std::size_t end = samples.size() * 3 / 4;
  int crossings = 0;
  for (std::size_t i = begin + 1; i < end; ++i) crossings += samples[i - 1] < 0 && samples[i] >= 0;
  return crossings * static_cast<double>(sample_rate) / static_cast<double>(end - begin);
}

void write_audio_file(const std::string& path, const Sound& sound) {
  const av::Parameters parameters = av::to_parameters(sound.info);
  av::Codec description(av::allocated(avcodec_alloc_context3(nullptr)));
  expect(avcodec_parameters_to_context(description.get(), parameters.get()) >= 0, "copy audio");
  description->time_base = av::to_av(sound.info.time_base);
  av::Output muxer = open_muxer(path, *description);
  for (const auto& one : sound.packets) {
    av::Packet packet = av::to_packet(one);
    av_packet_rescale_ts(packet.get(), description->time_base, muxer->streams[0]->time_base);
    expect(av_interleaved_write_frame(muxer.get(), packet.get()) >= 0, "write audio");
  }
  close_muxer(muxer);
}

std::string sentence_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::vector<std::uint8_t> bytes_of(const std::string& path) { return read_file(path); }

void write_bytes(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  expect(file.good(), "write a file");
}

Redirect::Redirect(int descriptor, int replacement)
    : descriptor_(descriptor), saved_(dup(descriptor)) {
  std::fflush(stdout);
  dup2(replacement, descriptor);
}

Redirect::~Redirect() {
  std::fflush(stdout);
  if (saved_ >= 0) {
    dup2(saved_, descriptor_);
    ::close(saved_);
  } else {
    ::close(descriptor_);
  }
}

}  // namespace semcodec::test
