#pragma once
// Decodes audio packets and codes them anew: as Opus for the reader's AudioMode::opus, as AAC or
// Opus for containers that do not take the source codec. Private to this folder.

#include <cstdint>
#include <string>
#include <vector>

#include "common/media/av_handles.h"

namespace semcodec::av {

class AudioRecoder {
 public:
  /// `target` is "opus" (48 kHz; mono below 24 kbit/s) or "aac" (the source's rate where AAC has
  /// it). More than two channels are mixed down to stereo. Throws Error(unsupported) when libav
  /// lacks the decoder or encoder.
  AudioRecoder(const AVCodecParameters& source, AVRational time_base, const std::string& target,
               std::int64_t bit_rate);

  /// Of the packets that come out. Time base: 1 / sample rate.
  const AudioInfo& info() const { return info_; }

  /// Appends what is ready to `out`. Damaged packets are skipped. A jump of more than 0.1 s in the
  /// timestamps is kept as a jump.
  void feed(const AVPacket& packet, std::vector<AudioPacket>& out);
  void finish(std::vector<AudioPacket>& out);

 private:
  void open_encoder(const std::string& target, std::int64_t bit_rate);
  void decode(const AVPacket* packet, std::vector<AudioPacket>& out);
  void take_frame(const AVFrame& frame, std::vector<AudioPacket>& out);
  void resample(const AVFrame* frame);
  void encode_ready(bool all, std::vector<AudioPacket>& out);
  void encode(const AVFrame* frame, std::vector<AudioPacket>& out);

  AVRational time_base_;
  Codec decoder_, encoder_;
  Resampler resampler_;
  int in_rate_ = 0, in_channels_ = 0, in_format_ = -1;  ///< what resampler_ is set up for
  Fifo fifo_;
  Frame decoded_ = make_frame();
  Packet coded_ = make_packet();
  AudioInfo info_;
  bool started_ = false;
  std::int64_t expected_ = 0;  ///< time of the next decoded sample, 1/in_rate_
  std::int64_t next_ = 0;      ///< time of the first sample in fifo_, 1/encoder rate
};

}  // namespace semcodec::av
