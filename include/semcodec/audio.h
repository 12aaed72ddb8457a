#pragma once
/// @file
/// An audio track that is carried through: compressed packets, not samples. Plain data, shared by
/// the media layer (which reads and writes files) and the bitstream (which carries packets).

#include <cstdint>
#include <string>
#include <vector>

#include "semcodec/units.h"

namespace semcodec {

/// Everything a receiver needs to decode or re-mux the audio packets that follow.
struct AudioInfo {
  std::string codec{};  ///< libavcodec's codec name: "aac", "opus", "mp3", "pcm_s16le" …
  int sample_rate = 0;  ///< Hz, 1 … 768000
  int channels = 0;     ///< 1 … 64
  std::uint64_t channel_mask = 0;  ///< libav's native order mask; 0 = default for `channels`
  Rational time_base{};            ///< of the times of packets
  std::int64_t bit_rate = 0;       ///< bit/s, 0 = unknown
  int profile = -99;               ///< libav's profile number; -99 = unknown
  int frame_size = 0;              ///< samples a packet, 0 = varies
  int initial_padding = 0;  ///< samples of encoder delay in front (Opus pre-skip, AAC pretraining)
  int seek_preroll = 0;     ///< samples to decode before a seek point
  int block_align = 0;      ///< bytes, PCM and the like
  int bits_per_sample = 0;  ///< coded bits a sample, PCM and the like
  std::vector<std::uint8_t> extradata{};  ///< codec set-up (AudioSpecificConfig, OpusHead …)

  bool operator==(const AudioInfo&) const = default;
};

/// One coded audio packet. Times are in AudioInfo::time_base units on the same clock as the video
/// (pts · time_base seconds); they may be negative where the encoder delay precedes the start.
struct AudioPacket {
  std::int64_t pts = 0;
  std::int64_t duration = 0;  ///< ≥ 0
  std::vector<std::uint8_t> bytes{};

  bool operator==(const AudioPacket&) const = default;
};

}  // namespace semcodec
