// H.264 or HEVC in a container, with an audio track.

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <utility>

#include "common/core/error.h"
#include "common/core/log.h"
#include "common/media/audio_params.h"
#include "common/media/audio_recoder.h"
#include "common/media/colour.h"
#include "common/media/output_target.h"
#include "common/media/protocols.h"
#include "common/media/sink.h"
#include "common/media/video_encoder.h"

namespace semcodec {
namespace {

// Opus has at most 400 packets a second; pictures come at least about once a second.
constexpr std::int64_t kFreePackets = 20'000, kPacketsPerPicture = 2'000;
constexpr double kLongestTime = 1e11;  // seconds: what every sample rate can express in 64 bits

/// libav's name of a format.
const char* muxer_of(const std::string& format) {
  if (format == "mkv") return "matroska";
  return format == "rtp" ? "rtp_mpegts" : format.c_str();
}

/// libav does not say what MPEG-TS takes.
bool holds(const AVOutputFormat& muxer, const std::string& format, AVCodecID codec) {
  if (format == "mpegts" || format == "rtp") {
    return codec == AV_CODEC_ID_AAC || codec == AV_CODEC_ID_MP3 || codec == AV_CODEC_ID_AC3 ||
           codec == AV_CODEC_ID_OPUS;
  }
  return avformat_query_codec(&muxer, codec, FF_COMPLIANCE_NORMAL) == 1;
}

class MuxSink final : public VideoSink {
 public:
  MuxSink(const std::string& path, const std::string& format, const WriterOptions& options)
      : name_(path == "-" ? "stdout" : path),
        format_(format),
        live_(av::is_url(path)),
        options_(options),
        target_(path, options.cancelled) {
    av::capture_log();
    AVFormatContext* context = nullptr;
    const std::string url = live_ ? path : target_.url();
    const int status =
        avformat_alloc_output_context2(&context, nullptr, muxer_of(format_), url.c_str());
    require(status >= 0, ErrorKind::unsupported,
            "This build of libav cannot write " + format_ + " files.");
    context_.reset(context);
    context_->pb = target_.io();
    context_->interrupt_callback = target_.interrupt();
    context_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    if (live_) context_->flags |= AVFMT_FLAG_FLUSH_PACKETS;  // a picture leaves when it is there
    context_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;  // FLAC in mp4, read by all
    plan_audio();
  }

  void start(int width, int height) override {
    open_encoder(width, height);
    video_ = add_stream();
    if (avcodec_parameters_from_context(video_->codecpar, encoder_.get()) < 0) {
      throw std::bad_alloc();
    }
    // Apple's players want the parameter sets in the header, which this tag promises.
    if (format_ == "mp4" && encoder_->codec_id == AV_CODEC_ID_HEVC) {
      video_->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');
    }
    video_->time_base = encoder_->time_base;
    video_->avg_frame_rate = encoder_->framerate;
    video_->sample_aspect_ratio = encoder_->sample_aspect_ratio;
    if (options_.rotation != 0) write_rotation();
    if (audio_parameters_) {
      audio_ = add_stream();
      if (avcodec_parameters_copy(audio_->codecpar, audio_parameters_.get()) < 0) {
        throw std::bad_alloc();
      }
      audio_->codecpar->codec_tag = 0;
      audio_->time_base = av::to_av(audio_time_base_);
    }
    if (!options_.title.empty()) {
      av_dict_set(&context_->metadata, "title", options_.title.c_str(), 0);
    }
    // Sound may begin before zero by its encoder's delay; nothing is to be shifted for that.
    if (format_ == "mp4" || format_ == "mkv") context_->avoid_negative_ts = 0;
    av::Options header;
    if (format_ == "mp4") {
      // Fragments need no seeking; their header waits for the first one, so that it can say how
      // far the decoder's reordering shifts the start.
      header.set("movflags",
                 target_.seekable() ? "faststart" : "frag_keyframe+delay_moov+default_base_moof");
    }
    av::clear_messages();
    check(avformat_write_header(context_.get(), header.get()), "begin");
    for (const auto& packet : std::exchange(early_audio_, {})) mux(packet);
  }

  void write(const RgbImage& image, std::int64_t pts) override {
    av::Frame frame = converter_->convert(image);
    frame->pts = pts;
    frame->sample_aspect_ratio = encoder_->sample_aspect_ratio;
    if (!times_.empty()) last_step_ = pts - times_.back();
    times_.push_back(pts);
    ++pictures_;
    encode(frame.get());
    audio_caught_up(static_cast<double>(pts) * options_.time_base.value());
  }

  void write(const AudioPacket& packet) override {
    if (!audio_parameters_ || !takes(packet)) return;
    if (video_ == nullptr) {
      early_audio_.push_back(packet);
      return;
    }
    mux(packet);
  }

  void finish() override {
    encode(nullptr);
    stretch_last();
    write_pending();
    if (recoder_) {
      std::vector<AudioPacket> rest;
      recoder_->finish(rest);
      for (const auto& one : rest) write_audio(av::to_packet(one));
    }
    check(av_write_trailer(context_.get()), "finish");
    target_.commit();
  }

  std::uint64_t bytes() const override { return target_.bytes(); }
  std::string audio_handling() const override {
    if (!audio_parameters_) return "none";
    return recoder_ ? recoder_->info().codec : "copy";
  }

 private:
  /// Whether there is room for one more packet. libav keeps audio that is ahead of the pictures in
  /// memory, and an index entry for each packet.
  bool takes(const AudioPacket& packet) {
    const double at = static_cast<double>(packet.pts) * options_.audio->time_base.value();
    const bool sane = std::abs(at) < kLongestTime;
    const std::uint64_t size = packet.bytes.size() + sizeof(AudioPacket);
    const std::int64_t most = kFreePackets + kPacketsPerPicture * pictures_;
    if (!sane || ahead_bytes_ + size > options_.max_waiting || audio_packets_ >= most) {
      log::warn_once("audio-ahead:" + name_,
                     "Audio that runs far ahead of the pictures is left out of " + name_ + ".");
      return false;
    }
    ++audio_packets_;
    ahead_.emplace_back(at, size);
    ahead_bytes_ += size;
    return true;
  }

  /// Pictures have come as far as this: audio before it is written.
  void audio_caught_up(double seconds) {
    while (!ahead_.empty() && ahead_.front().first <= seconds) {
      ahead_bytes_ -= ahead_.front().second;
      ahead_.pop_front();
    }
  }

  void mux(const AudioPacket& packet) {
    av::Packet coded = av::to_packet(packet);
    if (!recoder_) {
      write_audio(std::move(coded));
      return;
    }
    std::vector<AudioPacket> ready;
    recoder_->feed(*coded, ready);
    for (const auto& one : ready) write_audio(av::to_packet(one));
  }

  /// Throws when libav or the output has failed. The output's own error says more.
  void check(int status, const char* what) {
    target_.check();
    require(status >= 0, ErrorKind::output,
            std::string("Cannot ") + what + " " + name_ + ": " + av::error_text(status) +
                av::folded_message() + ".");
  }

  AVStream* add_stream() { return av::allocated(avformat_new_stream(context_.get(), nullptr)); }

  void plan_audio() {
    if (!options_.audio) return;
    try {
      av::Parameters source = av::to_parameters(*options_.audio);
      audio_time_base_ = options_.audio->time_base;
      if (holds(*context_->oformat, format_, source->codec_id)) {
        audio_parameters_ = std::move(source);
        return;
      }
      const std::string target = format_ == "mkv" ? "opus" : "aac";
      recoder_ = std::make_unique<av::AudioRecoder>(*source, av::to_av(audio_time_base_), target,
                                                    options_.audio_bit_rate);
      audio_parameters_ = av::to_parameters(recoder_->info());
      audio_time_base_ = recoder_->info().time_base;
      log::info(name_ + " cannot hold " + options_.audio->codec + " audio; it becomes " + target +
                ".");
    } catch (const Error& error) {
      recoder_.reset();
      log::warning(name_ + " goes without audio: " + error.what());
    }
  }

  void open_encoder(int width, int height) {
    av::VideoTrack track;
    track.name = name_;
    track.width = width;
    track.height = height;
    track.live = live_;
    track.global_header = (context_->oformat->flags & AVFMT_GLOBALHEADER) != 0;
    if (!target_.seekable() && options_.frame_rate.known()) {
      // A fragment, and with it the delay of the pipe, lasts from intra picture to intra picture.
      track.gop = std::clamp(static_cast<int>(2 * options_.frame_rate.value()), 2, 250);
    }
    encoder_ = av::open_encoder(options_, track);
    converter_.emplace(width, height, encoder_->pix_fmt, av::ColourTags{AVCOL_SPC_BT709, false});
  }

  void write_rotation() {
    constexpr std::int32_t kOne = 1 << 16;
    const int turns = options_.rotation / 90;
    const std::int32_t cosine = turns == 0 ? kOne : turns == 2 ? -kOne : 0;
    const std::int32_t sine = turns == 1 ? kOne : turns == 3 ? -kOne : 0;
    const std::int32_t matrix[9] = {cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30};
    av::set_display_matrix(*video_, matrix);
  }

  void encode(const AVFrame* frame) {
    av::clear_messages();
    check(avcodec_send_frame(encoder_.get(), frame), "encode a picture for");
    while (true) {
      const int status = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return;
      check(status, "encode a picture for");
      packet_->duration = duration_at(packet_->pts, packet_->dts);
      if (!start_) start_ = {packet_->pts, packet_->dts};
      write_pending();
      std::swap(packet_, pending_);
    }
  }

  /// Video packets are written one late, so that the last one is known.
  void write_pending() {
    if (pending_->data == nullptr) return;
    pending_->stream_index = video_->index;
    av_packet_rescale_ts(pending_.get(), encoder_->time_base, video_->time_base);
    check(av_interleaved_write_frame(context_.get(), pending_.get()), "write to");
  }

  /// mp4 stores steps of dts, so the track is as long as these and the last packet's duration add
  /// up to, although that packet need not be the last picture shown.
  void stretch_last() {
    if (format_ != "mp4" || pending_->data == nullptr) return;
    const std::int64_t last = times_.back();
    const std::int64_t length = last + duration_at(last, INT64_MIN) - start_->first;
    pending_->duration = std::max<std::int64_t>(length - (pending_->dts - start_->second), 1);
  }

  /// How long the picture at `pts` is shown: until the next one, or a usual step for the last.
  std::int64_t duration_at(std::int64_t pts, std::int64_t dts) {
    const auto next = std::upper_bound(times_.begin(), times_.end(), pts);
    std::int64_t duration = 0;
    if (next != times_.end()) {
      duration = *next - pts;
    } else if (options_.frame_rate.known()) {
      duration = av_rescale_q(1, av_inv_q(av::to_av(options_.frame_rate)), encoder_->time_base);
    } else if (last_step_ > 0) {
      duration = last_step_;
    } else {
      duration = av_rescale_q(1, AVRational{1, 25}, encoder_->time_base);
    }
    // Packets leave in dts order and none has a pts before its dts: older times are done with.
    while (times_.size() > 1 && times_[1] < dts) times_.pop_front();
    return std::max<std::int64_t>(duration, 1);
  }

  void write_audio(av::Packet packet) {
    packet->stream_index = audio_->index;
#if LIBAVFORMAT_VERSION_MAJOR < 60
    // These versions announce the delay of Opus in Matroska but forget to add it to the times.
    if (format_ == "mkv" && audio_->codecpar->codec_id == AV_CODEC_ID_OPUS) {
      const std::int64_t delay = av_rescale_q(audio_->codecpar->initial_padding,
                                              AVRational{1, 48000}, av::to_av(audio_time_base_));
      packet->pts += delay;
      packet->dts += delay;
    }
#endif
    av_packet_rescale_ts(packet.get(), av::to_av(audio_time_base_), audio_->time_base);
    if (last_audio_dts_ && packet->dts <= *last_audio_dts_) {
      packet->pts = packet->dts = *last_audio_dts_ + 1;
    }
    last_audio_dts_ = packet->dts;
    const int status = av_interleaved_write_frame(context_.get(), packet.get());
    target_.check();
    // A packet that the muxer finds malformed is no reason to lose the video.
    if (status < 0) {
      log::warn_once("audio:" + name_, "Damaged audio packets are left out of " + name_ + ": " +
                                           av::error_text(status) + ".");
    }
  }

  std::string name_;
  std::string format_;
  bool live_;  ///< sent to an address
  WriterOptions options_;
  av::OutputTarget target_;
  av::Output context_;
  av::Codec encoder_;
  AVStream* video_ = nullptr;
  AVStream* audio_ = nullptr;
  av::Parameters audio_parameters_;  ///< of the track as written; null = no audio
  Rational audio_time_base_;         ///< of the packets given to write_audio()
  std::unique_ptr<av::AudioRecoder> recoder_;
  std::vector<AudioPacket> early_audio_;
  std::deque<std::pair<double, std::uint64_t>> ahead_;  ///< seconds and bytes, see takes()
  std::uint64_t ahead_bytes_ = 0;
  std::int64_t pictures_ = 0, audio_packets_ = 0;
  std::optional<std::int64_t> last_audio_dts_;
  std::optional<av::FromRgb> converter_;
  av::Packet packet_ = av::make_packet();
  av::Packet pending_ = av::make_packet();                      ///< video packet to be written next
  std::optional<std::pair<std::int64_t, std::int64_t>> start_;  ///< first packet's pts and dts
  std::deque<std::int64_t> times_;  ///< pts given to the encoder whose packets are still to come
  std::int64_t last_step_ = 0;
};

}  // namespace

std::unique_ptr<VideoSink> make_mux_sink(const std::string& path, const std::string& format,
                                         const WriterOptions& options) {
  return std::make_unique<MuxSink>(path, format, options);
}

}  // namespace semcodec
