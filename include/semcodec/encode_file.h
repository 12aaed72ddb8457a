#pragma once
/// @file
/// A whole video file to a .sem file, in as many passes as its rate asks for; what semcodec-encode
/// does.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "semcodec/encoder.h"
#include "semcodec/export.h"
#include "semcodec/packets.h"
#include "semcodec/video_reader.h"

namespace semcodec {

struct EncodeProgress {
  std::string task{};                ///< "encode" or "pass 1/2"
  std::int64_t frames = 0;           ///< pushed so far in this pass
  std::int64_t expected_frames = 0;  ///< 0 when unknown
  double seconds = 0;                ///< of video coded
  std::uint64_t bytes = 0;           ///< of stream written
  bool done = false;                 ///< the last report of this pass
};

struct EncodeFileOptions {
  StreamEncoderOptions encoder{};       ///< `index` is written unless the output is stdout
  std::optional<double> target_size{};  ///< bytes of the whole file, instead of a bit rate
  int passes = 0;          ///< 1 or 2; 0 = 2 where there is a target and the input is a file
  std::int64_t skip = 0;   ///< leave out this many frames first
  std::int64_t limit = 0;  ///< encode at most this many; 0 = all
  AudioMode audio = AudioMode::copy;
  std::int64_t audio_bit_rate = 32000;  ///< of AudioMode::opus
  HwAccel hwaccel = HwAccel::none;      ///< where the source is decoded
  std::string input_format{};           ///< ReaderOptions::format
  std::string input_settings{};         ///< ReaderOptions::settings
  /// Frames are taken when they come, a file's at their times, and dropped where the encoder is not
  /// ready for them; a bounded number waits. In one pass.
  bool realtime = false;
  std::optional<PacketStreamOptions> packets{};  ///< packets instead of a stream
  std::string control{};  ///< commands while it runs (link_control.h); "-" is stdin
  std::string stats{};    ///< write bits by coded frame to this JSON file
  std::string maps{};     ///< write edge and colour maps as pictures to this folder
  std::function<void(const EncodeProgress&)> progress{};  ///< called for every frame
  /// Asked for every frame; true ends the stream there, whole but shorter.
  std::function<bool()> cancelled{};
};

struct EncodeSummary {
  std::string packets{};  ///< a sentence about them, empty without
  StreamInfo info{};
  StreamStats stats{};
  std::int64_t frames = 0;
  double seconds = 0;  ///< of video, the last frame's time included
  int passes = 1;
  bool cancelled = false;
  std::int64_t dropped_frames = 0;  ///< EncodeFileOptions::realtime
  std::string source_warning{};     ///< one sentence about a damaged source, else empty
  bool source_failed = false;  ///< the source could not be read any further; what came is coded
  std::string target{};        ///< one sentence about how a target was met, else empty
  bool target_missed = false;
  std::uint64_t peak_overflows = 0;  ///< coded frames that did not fit max_rate at quality 0
  double peak_window = 0;            ///< seconds that the worst of them would have needed
};

/// Encodes `input` (what libav opens; "-" is stdin) to `output` ("-" is stdout), which appears only
/// when it is whole, or sends it to the link that EncodeFileOptions::packets names. Throws Error:
/// usage, input, unsupported, output, device; interrupted when cancelled before a pass that counts.
SEMCODEC_API EncodeSummary encode_file(const std::string& input, const std::string& output,
                                       const EncodeFileOptions& options = {});

}  // namespace semcodec
