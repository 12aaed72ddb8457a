#pragma once
// One run over a video: pictures and audio in, a whole stream out. Two-pass encoding makes several.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "codec/encode/audio_carrier.h"
#include "codec/encode/encode_setup.h"
#include "encoder/rate/planned.h"
#include "semcodec/stream_writer.h"

namespace semcodec {

struct RunSettings {
  std::shared_ptr<RateControl> rate_control{};  ///< null: constant quality
  std::vector<double> entries{};                ///< of the pass before, seconds
  StreamWriter::Sink sink{};
  bool with_index = true;
  bool group = true;             ///< several frames may share a record
  Encoder::Observer observer{};  ///< called for each coded frame after it was written
};

struct RunResult {
  PassRecord record;
  StreamStats stats;
  std::int64_t frames = 0;
  double seconds = 0;  ///< of video, the last frame's time included
  std::optional<LeakyBucket> peak;
  bool cancelled = false;  ///< the stream is whole but stops early

  /// Bytes that count towards a target.
  std::uint64_t counted_bytes(bool count_audio) const {
    return stats.bytes - (count_audio ? 0 : stats.audio_bytes);
  }
};

class EncodeRun {
 public:
  /// `setup` outlives the run. Writes the header.
  EncodeRun(const EncodeSetup& setup, const RunSettings& settings,
            const std::optional<AudioInfo>& audio);

  /// As Encoder::push().
  void push(RgbImage picture, std::int64_t pts) { encoder_->push(std::move(picture), pts); }
  void push(std::vector<AudioPacket> packets) { audio_.add(std::move(packets)); }
  /// Ends the stream. At least one picture must have been pushed.
  RunResult finish();

  /// As Encoder::request_entry_point() and set_target().
  void request_entry_point() { encoder_->request_entry_point(); }
  bool set_target(double bits_per_second) { return encoder_->set_target(bits_per_second); }

  std::int64_t frames() const { return encoder_->frames(); }
  double seconds() const { return seconds_; }     ///< of video coded so far
  std::uint64_t bytes() const { return bytes_; }  ///< of stream written so far

 private:
  void observe(const SemanticFrame& frame, const CodedFrameReport& report);

  const EncodeSetup& setup_;
  Encoder::Observer observer_;
  bool with_index_;
  StreamWriter writer_;
  std::unique_ptr<Encoder> encoder_;
  AudioCarrier audio_;
  PassRecord record_;
  double seconds_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace semcodec
