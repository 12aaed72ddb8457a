#pragma once
// Encodes a video to a file in as many runs as its rate asks for.

#include <string>
#include <vector>

#include "codec/encode/stats_file.h"
#include "codec/encode/video_run.h"

namespace semcodec {

struct Encoded {
  VideoRunResult result;
  std::vector<PassLine> passes;
  std::string packets;  ///< PacketStream::summary()
};

/// `reader` is open already and serves the first run. The output appears when it is whole;
/// cancellation leaves what the run that counts had written, and none during a first pass.
Encoded encode_in_passes(VideoReader& reader, const EncodeJob& job, const std::string& output);

/// One sentence about how the target was met, empty without a target, and whether it is one to
/// warn of: a target outside what the video can take, or missed.
struct TargetReport {
  std::string sentence;
  bool warning = false;
};
TargetReport report_target(const Encoded& encoded, const EncodeSetup& setup);

}  // namespace semcodec
