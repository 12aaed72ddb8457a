#include "common/media/audio_recoder.h"

#include <algorithm>
#include <cstdlib>

#include "common/core/error.h"
#include "common/media/audio_params.h"

namespace semcodec::av {
namespace {

int nearest_rate(const AVCodec& codec, int wanted) {
  if (codec.supported_samplerates == nullptr) return wanted;
  int best = codec.supported_samplerates[0];
  for (const int* rate = codec.supported_samplerates; *rate != 0; ++rate) {
    if (std::abs(*rate - wanted) < std::abs(best - wanted)) best = *rate;
  }
  return best;
}

}  // namespace

AudioRecoder::AudioRecoder(const AVCodecParameters& source, AVRational time_base,
                           const std::string& target, std::int64_t bit_rate)
    : time_base_(time_base) {
  capture_log();
  const std::string codec_name = avcodec_get_name(source.codec_id);
  const AVCodec* codec = avcodec_find_decoder(source.codec_id);
  require(codec != nullptr, ErrorKind::unsupported,
          "This build of libav has no decoder for " + codec_name + " audio.");
  decoder_.reset(allocated(avcodec_alloc_context3(codec)));
  if (avcodec_parameters_to_context(decoder_.get(), &source) < 0) throw std::bad_alloc();
  decoder_->pkt_timebase = time_base;
  const int status = avcodec_open2(decoder_.get(), codec, nullptr);
  require(status >= 0, ErrorKind::unsupported,
          "The " + codec_name + " audio cannot be decoded: " + error_text(status) + ".");
  open_encoder(target, bit_rate);
}

void AudioRecoder::open_encoder(const std::string& target, std::int64_t bit_rate) {
  const bool opus = target == "opus";
  const AVCodec* codec = avcodec_find_encoder_by_name(opus ? "libopus" : "aac");
  require(codec != nullptr, ErrorKind::unsupported,
          "This build of libav cannot encode " + target + " audio.");
  encoder_.reset(allocated(avcodec_alloc_context3(codec)));
  const int source_channels = std::max(decoder_->ch_layout.nb_channels, 1);
  const bool mono = source_channels == 1 || (opus && bit_rate < 24000);
  av_channel_layout_default(&encoder_->ch_layout, mono ? 1 : 2);
  encoder_->sample_rate = opus ? 48000 : nearest_rate(*codec, decoder_->sample_rate);
  encoder_->sample_fmt = opus ? AV_SAMPLE_FMT_FLT : AV_SAMPLE_FMT_FLTP;
  encoder_->bit_rate = bit_rate;
  encoder_->time_base = AVRational{1, encoder_->sample_rate};
  encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
  Options options;
  // Long frames spare headers where every bit counts.
  if (opus) options.set("frame_duration", bit_rate < 16000 ? "60" : "20");
  const int status = avcodec_open2(encoder_.get(), codec, options.get());
  require(status >= 0, ErrorKind::unsupported,
          "The " + target + " audio encoder refuses " + std::to_string(bit_rate) +
              " bit/s: " + error_text(status) + folded_message() + ".");
  fifo_.reset(
      allocated(av_audio_fifo_alloc(encoder_->sample_fmt, encoder_->ch_layout.nb_channels, 4096)));
  Parameters parameters(allocated(avcodec_parameters_alloc()));
  if (avcodec_parameters_from_context(parameters.get(), encoder_.get()) < 0) {
    throw std::bad_alloc();
  }
  info_ = to_info(*parameters, encoder_->time_base);
}

void AudioRecoder::feed(const AVPacket& packet, std::vector<AudioPacket>& out) {
  decode(&packet, out);
}

void AudioRecoder::finish(std::vector<AudioPacket>& out) {
  decode(nullptr, out);
  resample(nullptr);
  encode_ready(true, out);
  encode(nullptr, out);
}

void AudioRecoder::decode(const AVPacket* packet, std::vector<AudioPacket>& out) {
  if (avcodec_send_packet(decoder_.get(), packet) < 0 && packet != nullptr) return;
  while (avcodec_receive_frame(decoder_.get(), decoded_.get()) >= 0) {
    take_frame(*decoded_, out);
    av_frame_unref(decoded_.get());
  }
}

void AudioRecoder::take_frame(const AVFrame& frame, std::vector<AudioPacket>& out) {
  if (frame.nb_samples <= 0 || frame.sample_rate <= 0) return;
  const bool changed = frame.sample_rate != in_rate_ ||
                       frame.ch_layout.nb_channels != in_channels_ || frame.format != in_format_;
  const AVRational in_unit{1, frame.sample_rate};
  if (changed) {
    if (resampler_) resample(nullptr);
    if (started_) expected_ = av_rescale(expected_, frame.sample_rate, in_rate_);
    AVChannelLayout source_layout = frame.ch_layout;  // older libav wants it without const
    SwrContext* context = nullptr;
    const int status = swr_alloc_set_opts2(
        &context, &encoder_->ch_layout, encoder_->sample_fmt, encoder_->sample_rate, &source_layout,
        static_cast<AVSampleFormat>(frame.format), frame.sample_rate, 0, nullptr);
    resampler_.reset(context);
    require(status >= 0 && swr_init(context) >= 0, ErrorKind::unsupported,
            "The audio cannot be converted to " + std::to_string(encoder_->sample_rate) + " Hz.");
    in_rate_ = frame.sample_rate;
    in_channels_ = frame.ch_layout.nb_channels;
    in_format_ = frame.format;
  }
  const bool timed = frame.best_effort_timestamp != AV_NOPTS_VALUE;
  const std::int64_t at =
      timed ? av_rescale_q(frame.best_effort_timestamp, time_base_, in_unit) : expected_;
  const bool jumps = !started_ || std::abs(at - expected_) > frame.sample_rate / 10;
  if (jumps) {
    if (started_) {  // what came before ends here, padded to a whole packet
      resample(nullptr);
      encode_ready(true, out);
      swr_init(resampler_.get());
    }
    const std::int64_t start = av_rescale_q(at, in_unit, encoder_->time_base);
    next_ = started_ ? std::max(next_, start) : start;
    started_ = true;
    expected_ = at;
  }
  expected_ += frame.nb_samples;
  resample(&frame);
  encode_ready(false, out);
}

void AudioRecoder::resample(const AVFrame* frame) {
  if (!resampler_) return;
  const int room = swr_get_out_samples(resampler_.get(), frame == nullptr ? 0 : frame->nb_samples);
  if (room <= 0) return;
  Frame converted = make_frame();
  converted->nb_samples = room;
  converted->format = encoder_->sample_fmt;
  converted->sample_rate = encoder_->sample_rate;
  if (av_channel_layout_copy(&converted->ch_layout, &encoder_->ch_layout) < 0 ||
      av_frame_get_buffer(converted.get(), 0) < 0) {
    throw std::bad_alloc();
  }
  // libav's signature changed from const uint8_t ** to const uint8_t * const *; both take this.
  auto** samples =
      frame == nullptr ? nullptr : const_cast<const std::uint8_t**>(frame->extended_data);
  const int got = swr_convert(resampler_.get(), converted->extended_data, room, samples,
                              frame == nullptr ? 0 : frame->nb_samples);
  if (got <= 0) return;
  auto** planes = reinterpret_cast<void**>(converted->extended_data);
  if (av_audio_fifo_write(fifo_.get(), planes, got) < got) throw std::bad_alloc();
}

void AudioRecoder::encode_ready(bool all, std::vector<AudioPacket>& out) {
  const int size = encoder_->frame_size > 0 ? encoder_->frame_size : 1024;
  while (av_audio_fifo_size(fifo_.get()) >= (all ? 1 : size)) {
    const int take = std::min(av_audio_fifo_size(fifo_.get()), size);
    Frame frame = make_frame();
    // Short frames are filled up with silence: encoders take one only as their very last.
    frame->nb_samples = size;
    frame->format = encoder_->sample_fmt;
    frame->sample_rate = encoder_->sample_rate;
    if (av_channel_layout_copy(&frame->ch_layout, &encoder_->ch_layout) < 0 ||
        av_frame_get_buffer(frame.get(), 0) < 0) {
      throw std::bad_alloc();
    }
    av_audio_fifo_read(fifo_.get(), reinterpret_cast<void**>(frame->extended_data), take);
    av_samples_set_silence(frame->extended_data, take, size - take, encoder_->ch_layout.nb_channels,
                           encoder_->sample_fmt);
    frame->pts = next_;
    next_ += size;
    encode(frame.get(), out);
  }
}

void AudioRecoder::encode(const AVFrame* frame, std::vector<AudioPacket>& out) {
  const int status = avcodec_send_frame(encoder_.get(), frame);
  require(status >= 0 || status == AVERROR_EOF, ErrorKind::internal,
          "The audio cannot be encoded: " + error_text(status) + ".");
  while (avcodec_receive_packet(encoder_.get(), coded_.get()) >= 0) {
    AudioPacket packet;
    packet.pts = coded_->pts;
    packet.duration = coded_->duration > 0 ? coded_->duration : encoder_->frame_size;
    packet.bytes.assign(coded_->data, coded_->data + coded_->size);
    out.push_back(std::move(packet));
    av_packet_unref(coded_.get());
  }
}

}  // namespace semcodec::av
