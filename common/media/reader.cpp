#include "semcodec/video_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/core/error.h"
#include "common/core/log.h"
#include "common/media/audio_params.h"
#include "common/media/audio_recoder.h"
#include "common/media/av_handles.h"
#include "common/media/colour.h"
#include "common/media/hw_device.h"
#include "common/media/input.h"
#include "common/media/video_decoder.h"

namespace semcodec {

struct VideoReader::Impl {
  Impl(const std::string& path, const ReaderOptions& reader_options);

  void open_video();
  void open_audio();
  void describe();
  bool decode_next();  ///< into frame; false at the end
  bool feed();         ///< one packet into the decoder; false when it has the last one
  void handle_audio(const AVPacket& audio_packet);
  void time_stamp();
  void end();
  std::int64_t nominal_duration() const;
  void set_size(int width, int height);

  ReaderOptions options;
  av::InputFile input;
  AVStream* video = nullptr;
  AVStream* audio = nullptr;
  std::unique_ptr<av::VideoDecoder> decoder;
  std::unique_ptr<av::AudioRecoder> recoder;
  av::Packet packet = av::make_packet();
  av::Frame frame = av::make_frame();
  av::ToRgb to_rgb;
  av::Orientation orientation;
  VideoInfo info;
  std::optional<AudioInfo> audio_info;
  std::vector<AudioPacket> audio_packets;
  std::string warning;
  int width = 0, height = 0;  ///< of the pictures handed out
  bool waiting = false;       ///< frame holds a picture that nobody has taken yet
  bool draining = false;
  bool ended = false;
  bool broke_off = false;    ///< the container ended before it should
  int read_error = 0;        ///< libav's, of the input itself
  std::int64_t damaged = 0;  ///< packets or pictures with errors
  std::int64_t packets = 0;
  std::int64_t decoded = 0;
  std::int64_t pts = 0;  ///< of frame
  std::int64_t last_duration = 0;
  std::int64_t audio_next = 0;
};

VideoReader::Impl::Impl(const std::string& path, const ReaderOptions& reader_options)
    : options(reader_options), input(path, {options.format, options.settings, options.cancelled}) {
  open_video();
  if (options.audio != AudioMode::none) open_audio();
  AVFormatContext& context = input.context();
  for (unsigned i = 0; i < context.nb_streams; ++i) {
    if (context.streams[i] != video && context.streams[i] != audio) {
      context.streams[i]->discard = AVDISCARD_ALL;
    }
  }
  av::clear_messages();
  waiting = decode_next();
  require(waiting, ErrorKind::input,
          "No picture of " + input.name() + " could be decoded (" + info.codec + ")" +
              (av::last_message().empty() ? "" : ": " + av::last_message()) + ".");
  describe();
  set_size(options.width, options.height);
}

void VideoReader::Impl::open_video() {
  AVFormatContext& context = input.context();
  const int index = av_find_best_stream(&context, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  const bool cover =
      index >= 0 && (context.streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  if (index < 0 || cover) {
    const bool sound = av_find_best_stream(&context, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0) >= 0;
    throw Error(ErrorKind::input,
                input.name() + (sound ? " has only audio, no video." : " has no video stream."));
  }
  video = context.streams[index];
  info.codec = avcodec_get_name(video->codecpar->codec_id);
  info.container = context.iformat->name;
  decoder = std::make_unique<av::VideoDecoder>(*video, input.name(), options.threads,
                                               av::device_for(options.hwaccel));
}

void VideoReader::Impl::open_audio() {
  AVFormatContext& context = input.context();
  const int index = av_find_best_stream(&context, AVMEDIA_TYPE_AUDIO, -1, video->index, nullptr, 0);
  if (index < 0) return;
  AVStream* stream = context.streams[index];
  const bool carried = av::is_carried(stream->codecpar->codec_id);
  if (options.audio == AudioMode::copy && !carried) {
    log::info(input.name() + " has " + avcodec_get_name(stream->codecpar->codec_id) +
              " audio, which streams do not carry; it becomes Opus.");
  }
  if (options.audio == AudioMode::copy && carried) {
    audio_info = av::to_info(*stream->codecpar, stream->time_base);
  } else {
    try {
      recoder = std::make_unique<av::AudioRecoder>(*stream->codecpar, stream->time_base, "opus",
                                                   options.audio_bit_rate);
    } catch (const Error& error) {
      log::warning(input.name() + " goes without audio: " + error.what());
      return;
    }
    audio_info = recoder->info();
  }
  audio = stream;
}

void VideoReader::Impl::describe() {
  AVFormatContext& context = input.context();
  require(frame->width > 0 && frame->height > 0, ErrorKind::input,
          "The pictures of " + input.name() + " have no size.");
  orientation = av::orientation_of(av::display_matrix(*video));
  info.width = frame->width;
  info.height = frame->height;
  const AVRational aspect = av_guess_sample_aspect_ratio(&context, video, frame.get());
  info.sample_aspect = aspect.num > 0 && aspect.den > 0 ? av::from_av(aspect) : Rational{1, 1};
  if (orientation.transposes()) {
    std::swap(info.width, info.height);
    std::swap(info.sample_aspect.num, info.sample_aspect.den);
  }
  info.rotation = 90 * orientation.quarter_turns;
  info.mirrored = orientation.mirrored;
  info.time_base = av::from_av(video->time_base);
  const AVRational rate =
      video->avg_frame_rate.num > 0 ? video->avg_frame_rate : video->r_frame_rate;
  info.frame_rate = av::from_av(rate);
  if (!info.frame_rate.known()) info.frame_rate = Rational{};
  if (video->duration != AV_NOPTS_VALUE && video->duration > 0) {
    info.duration = static_cast<double>(video->duration) * av_q2d(video->time_base);
  } else if (context.duration != AV_NOPTS_VALUE && context.duration > 0) {
    info.duration = static_cast<double>(context.duration) / AV_TIME_BASE;
  }
  info.frame_count = video->nb_frames > 0 ? video->nb_frames
                                          : std::llround(info.duration * info.frame_rate.value());
  const av::ColourTags tags = av::tags_of(*frame);
  info.full_range = tags.full_range;
  info.matrix = av::matrix_name(tags.matrix);
  if (frame->color_trc == AVCOL_TRC_SMPTE2084 || frame->color_trc == AVCOL_TRC_ARIB_STD_B67) {
    log::warn_once("hdr:" + input.name(),
                   input.name() +
                       " is HDR video; its colours are taken as "
                       "they are, without tone mapping, and will look dull.");
  }
}

void VideoReader::Impl::set_size(int new_width, int new_height) {
  const bool whole = new_width == 0 && new_height == 0;
  const bool fits = new_width > 0 && new_height > 0 && new_width <= kMaxVideoDimension &&
                    new_height <= kMaxVideoDimension;
  require(whole || fits, ErrorKind::usage,
          "Pictures cannot be scaled to " + std::to_string(new_width) + "x" +
              std::to_string(new_height) + "; a side is 1 to " +
              std::to_string(kMaxVideoDimension) + " pixels.");
  width = whole ? info.width : new_width;
  height = whole ? info.height : new_height;
}

std::int64_t VideoReader::Impl::nominal_duration() const {
  if (last_duration > 0) return last_duration;
  const AVRational rate =
      video->avg_frame_rate.num > 0 ? video->avg_frame_rate : video->r_frame_rate;
  if (rate.num <= 0 || rate.den <= 0) return 1;
  return std::max<std::int64_t>(av_rescale_q(1, av_inv_q(rate), video->time_base), 1);
}

void VideoReader::Impl::time_stamp() {
  const std::int64_t given = frame->best_effort_timestamp;
  const std::int64_t earliest = decoded == 0 ? INT64_MIN : pts + 1;
  if (given == AV_NOPTS_VALUE) {
    pts = decoded == 0 ? 0 : pts + nominal_duration();
  } else {
    pts = std::max(given, earliest);
  }
  last_duration = av::frame_duration(*frame);
  ++decoded;
}

bool VideoReader::Impl::decode_next() {
  while (!ended) {
    av_frame_unref(frame.get());
    const int status = decoder->receive(*frame);
    if (status >= 0) {
      const bool oversized =
          frame->width > kMaxVideoDimension || frame->height > kMaxVideoDimension;
      if ((frame->flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame->decode_error_flags != 0 ||
          oversized) {
        ++damaged;
      }
      if (oversized || frame->width <= 0 || frame->height <= 0) continue;
      time_stamp();
      return true;
    }
    if (status == AVERROR_EOF || (draining && status != AVERROR(EAGAIN))) break;
    if (status != AVERROR(EAGAIN)) ++damaged;
    if (!feed()) break;
  }
  end();
  return false;
}

bool VideoReader::Impl::feed() {
  if (draining) return false;
  while (true) {
    av_packet_unref(packet.get());
    const int status = input.read(*packet);
    if (status < 0) {
      // Some demuxers end a file that is cut off like any other and only mention it.
      const std::string said = av::last_message();
      broke_off = broke_off || status != AVERROR_EOF || input.ends_inside_a_picture() ||
                  (input.context().pb != nullptr && input.context().pb->error < 0) ||
                  said.find("ended prematurely") != std::string::npos ||
                  said.find("partial file") != std::string::npos;
      const AVIOContext* io = input.context().pb;
      if (io != nullptr && io->error < 0 && io->error != AVERROR_EOF) read_error = io->error;
      draining = true;
      return decoder->send(nullptr) >= 0;
    }
    if (audio != nullptr && packet->stream_index == audio->index) handle_audio(*packet);
    if (packet->stream_index != video->index) continue;
    ++packets;
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) != 0) broke_off = true;
    const int sent = decoder->send(packet.get());
    if (sent >= 0) return true;
    ++damaged;
  }
}

void VideoReader::Impl::handle_audio(const AVPacket& audio_packet) {
  if (recoder) {
    recoder->feed(audio_packet, audio_packets);
    return;
  }
  AudioPacket copy;
  copy.pts = audio_packet.pts != AV_NOPTS_VALUE   ? audio_packet.pts
             : audio_packet.dts != AV_NOPTS_VALUE ? audio_packet.dts
                                                  : audio_next;
  copy.duration = std::max<std::int64_t>(audio_packet.duration, 0);
  copy.bytes.assign(audio_packet.data, audio_packet.data + audio_packet.size);
  audio_next = copy.pts + copy.duration;
  audio_packets.push_back(std::move(copy));
}

void VideoReader::Impl::end() {
  if (ended) return;
  ended = true;
  if (recoder) recoder->finish(audio_packets);
  if (!broke_off && damaged == 0) return;
  warning = input.name() + (broke_off ? " breaks off" : " is damaged") + ": " +
            std::to_string(decoded) + " frames could be read";
  const std::int64_t expected = std::max(info.frame_count, packets);
  if (expected > decoded) warning += " of about " + std::to_string(expected);
  warning +=
      read_error < 0 ? ", then " + av::error_text(read_error) + "." : av::folded_message() + ".";
}

VideoReader::VideoReader(const std::string& path, const ReaderOptions& options)
    : impl_(std::make_unique<Impl>(path, options)) {}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

const VideoInfo& VideoReader::info() const { return impl_->info; }
void VideoReader::set_output_size(int width, int height) { impl_->set_size(width, height); }
const std::optional<AudioInfo>& VideoReader::audio_info() const { return impl_->audio_info; }
const std::string& VideoReader::warning() const { return impl_->warning; }
bool VideoReader::failed() const { return impl_->read_error < 0; }

std::vector<AudioPacket> VideoReader::take_audio() {
  return std::exchange(impl_->audio_packets, {});
}

std::optional<std::int64_t> VideoReader::skip() {
  if (!std::exchange(impl_->waiting, false) && !impl_->decode_next()) return std::nullopt;
  return impl_->pts;
}

std::optional<VideoFrame> VideoReader::next() {
  if (!skip()) return std::nullopt;
  VideoFrame result;
  result.pts = impl_->pts;
  result.image = impl_->to_rgb.convert(*impl_->frame, impl_->width, impl_->height,
                                       impl_->orientation, impl_->input.name());
  return result;
}

}  // namespace semcodec
