#pragma once
// One run over the video: reads, encodes, writes a stream. Two-pass encoding makes several.

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "common/app/progress.h"
#include "common/bitstream/stream_writer.h"
#include "common/media/reader.h"
#include "encoder/core/encoder.h"
#include "encoder/rate/planned.h"

namespace semcodec {

/// What stays the same from run to run.
struct EncodeJob {
  std::string input;
  std::int64_t skip = 0, limit = 0;  ///< frames
  StreamInfo info;
  VideoInfo video;
  EncoderOptions options;  ///< without a rate control
  std::function<std::unique_ptr<Encoder>(const EncoderOptions&, StreamWriter&)> make_encoder;
  std::function<VideoReader()> open;  ///< the video from its beginning
  std::string maps;                   ///< folder, empty = none
  bool anchor_list = false;           ///< keep statistics of each anchor
  bool low_delay = false;
  ProgressMode progress = ProgressMode::automatic;

  /// Frames expected, 0 when unknown.
  std::int64_t expected_frames() const;
  /// Seconds of video expected, nothing when unknown.
  std::optional<double> expected_seconds() const;
};

struct RunSettings {
  std::string title = "encode";               ///< for the progress
  std::shared_ptr<RateControl> rate_control;  ///< null: constant quality
  std::vector<double> entries;                ///< of the pass before, seconds
  StreamWriter::Sink sink;
  bool with_index = true;
  bool final_output = true;  ///< write maps, keep the list of anchors
};

struct RunResult {
  PassRecord record;
  StreamStats stats;
  std::int64_t frames = 0;
  double seconds = 0;  ///< of video, the last frame's time included
  nlohmann::ordered_json anchors = nlohmann::ordered_json::array();
  std::optional<LeakyBucket> peak;
  std::string warning;       ///< about the source
  bool interrupted = false;  ///< the stream is whole but stops early

  /// Bytes that count towards a target.
  std::uint64_t counted_bytes(bool count_audio) const {
    return stats.bytes - (count_audio ? 0 : stats.audio_bytes);
  }
};

/// Throws Error(input) when the range asked for holds no frame, and what reading and encoding
/// throw. An interrupt after the first frame ends the stream there.
RunResult run_encoder(VideoReader& reader, const EncodeJob& job, const RunSettings& settings);

}  // namespace semcodec
