#pragma once
// One run over a video file: a thread reads, the caller's encodes.

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "codec/encode/encode_run.h"
#include "common/packets/packet_stream.h"
#include "semcodec/encode_file.h"
#include "semcodec/video_reader.h"

namespace semcodec {

/// What stays the same from run to run.
struct EncodeJob {
  std::string input;
  EncodeFileOptions options;
  EncodeSetup setup;
  std::function<VideoReader()> open;  ///< the video from its beginning

  bool cancelled() const { return options.cancelled && options.cancelled(); }
  void throw_if_cancelled() const;
};

/// Frames that a range of a video holds, 0 when unknown.
std::int64_t expected_frames(const VideoInfo& video, std::int64_t skip, std::int64_t limit);
/// Seconds of video likewise, nothing when unknown.
std::optional<double> expected_seconds(const VideoInfo& video, std::int64_t skip,
                                       std::int64_t limit);

struct VideoRunSettings {
  std::string title = "encode";  ///< EncodeProgress::task
  RunSettings run;
  bool final_output = true;         ///< write maps, keep the list of coded frames
  PacketStream* packets = nullptr;  ///< what commands about the link go to
};

struct VideoRunResult : RunResult {
  nlohmann::ordered_json coded_frames = nlohmann::ordered_json::array();
  std::string warning;       ///< about the source
  std::int64_t dropped = 0;  ///< frames that came while the encoder was not ready
};

/// Throws Error(input) when the range asked for holds no frame, and what reading and encoding
/// throw. Cancellation after the first frame ends the stream there.
VideoRunResult encode_video(VideoReader& reader, const EncodeJob& job,
                            const VideoRunSettings& settings);

}  // namespace semcodec
