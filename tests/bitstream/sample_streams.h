#pragma once
// Small streams to test with.

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "semcodec/stream_reader.h"
#include "semcodec/stream_writer.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec::test {

using Bytes = std::vector<std::uint8_t>;

inline StreamInfo sample_info() {
  StreamInfo info;
  info.width = 720;
  info.height = 480;
  info.coded_width = 192;
  info.coded_height = 128;
  info.time_base_num = 1;
  info.time_base_den = 30000;
  info.frame_rate_num = 30000;
  info.frame_rate_den = 1001;
  info.sar_num = 8;
  info.sar_den = 9;
  info.profile = "semantic";
  info.model_name = "test";
  info.model_hash = "0123456789abcdef";
  info.encoder = "semcodec test";
  return info;
}

/// Coded frames every `interval` frames, an entry point every `entry` coded frames, times regular.
inline std::vector<SemanticFrame> sample_coded_frames(int count, int interval, int entry,
                                                      const SampleShape& shape = {}) {
  std::vector<SemanticFrame> frames;
  for (int a = 0; a < count; ++a) {
    SemanticFrame frame = scene_frame(a, shape, a % entry == 0);
    frame.pts = std::int64_t{1001} * a * interval;
    if (a > 0) {
      for (int i = interval - 1; i > 0; --i) {
        frame.interpolated_pts.push_back(frame.pts - std::int64_t{1001} * i);
      }
    }
    frames.push_back(frame);
  }
  return frames;
}

inline AudioInfo sample_audio_info() {
  AudioInfo info;
  info.codec = "aac";
  info.sample_rate = 48000;
  info.channels = 2;
  info.channel_mask = 3;
  info.time_base = {1, 48000};
  info.profile = 1;
  info.frame_size = 1024;
  info.initial_padding = 1024;
  info.extradata = {0x11, 0x90};
  return info;
}

/// Near-silent packets, almost all alike.
inline AudioBatch sample_audio(int first, int count) {
  AudioBatch batch;
  for (int i = first; i < first + count; ++i) {
    AudioPacket packet{std::int64_t{1024} * i, 1024, {0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c}};
    if (i % 7 == 0) packet.bytes.push_back(static_cast<std::uint8_t>(i));
    batch.push_back(packet);
  }
  return batch;
}

struct Recorded {
  Bytes bytes;
  std::vector<std::size_t> ends;  ///< of the records
};

/// Header, frames with audio after every third, index, end.
inline Recorded record(const StreamInfo& info, const std::vector<SemanticFrame>& frames,
                       bool audio = false, bool index = true, FrameGrouping grouping = {}) {
  Recorded out;
  StreamWriter writer(
      [&](std::span<const std::uint8_t> bytes) {
        out.bytes.insert(out.bytes.end(), bytes.begin(), bytes.end());
        out.ends.push_back(out.bytes.size());
      },
      info);
  writer.group(grouping);
  if (audio) writer.write_audio_info(sample_audio_info());
  int packets = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    writer.write(frames[i]);
    if (audio && i % 3 == 2) {
      writer.write_audio(sample_audio(packets, 10));
      packets += 10;
    }
  }
  writer.finish(index);
  return out;
}

/// A source that hands out at most `piece` bytes at a time. `bytes` must outlive it.
inline StreamReader::Source source_of(const Bytes& bytes, std::size_t piece = 1 << 20) {
  std::size_t position = 0;
  return [&bytes, piece, position](std::span<std::uint8_t> to) mutable {
    const std::size_t count = std::min({piece, to.size(), bytes.size() - position});
    if (count > 0) std::memcpy(to.data(), bytes.data() + position, count);
    position += count;
    return count;
  };
}

struct Read {
  std::vector<SemanticFrame> frames;
  std::vector<AudioInfo> audio_infos;
  AudioBatch audio;
  StreamStatus status = StreamStatus::reading;
  std::uint64_t lost = 0;
  std::uint64_t skipped = 0;
  std::string problem;
  StreamStats stats;
};

inline Read read_all(StreamReader& reader) {
  Read out;
  while (auto item = reader.next()) {
    if (item->frame() != nullptr) out.frames.push_back(std::move(*item->frame()));
    if (item->audio_info() != nullptr) out.audio_infos.push_back(*item->audio_info());
    if (const AudioBatch* batch = item->audio()) {
      out.audio.insert(out.audio.end(), batch->begin(), batch->end());
    }
  }
  out.status = reader.status();
  out.lost = reader.lost_records();
  out.skipped = reader.skipped_frames();
  out.problem = reader.problem();
  out.stats = reader.stats();
  return out;
}

inline Read read_all(const Bytes& bytes, bool strict = false, std::size_t piece = 1 << 20) {
  StreamReader::Options options;
  options.strict = strict;
  StreamReader reader(source_of(bytes, piece), "test stream", options);
  return read_all(reader);
}

/// Planes small enough to try every byte of a stream.
inline SampleShape tiny_shape() { return {2, 1, 8, 5, 4, 4, 3, 4, 1, 2, 2, 3}; }

}  // namespace semcodec::test
