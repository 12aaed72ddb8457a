#pragma once
/// @file
/// The sender as a program uses it: pictures in, the bytes of a .sem stream out.
///
///   StreamEncoder encoder(sink, {.width = 1280, .height = 720, .time_base = {1, 25}}, options);
///   for (…) encoder.push(picture, pts);
///   encoder.finish();
///
/// The sink is called as soon as a record is complete, from push() and finish() or from a thread of
/// the encoder's own, never by two at a time. One thread at a time may call the rest.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "semcodec/export.h"
#include "semcodec/image.h"
#include "semcodec/stream_writer.h"

namespace semcodec {

struct StreamEncoderOptions {
  std::string profile = "auto";   ///< "auto", "hybrid", "semantic" or "paper" (docs/options.md)
  std::string model = "default";  ///< a name or a folder (model.h)
  std::string device = "auto";    ///< "auto", "cpu" or "cuda:N"
  int threads = 0;                ///< 0 = one a core
  bool deterministic = false;     ///< the same bits every time on one machine
  int width = 0;                  ///< coded size, multiples of 16; 0 = 512 on the long side
  int height = 0;
  std::string point{};  ///< parts of the operating point by hand, as --point takes them

  // What the stream may cost: quality, or a mean rate instead of it.
  std::optional<double> quality{};   ///< 0 (fewest bits) to 100; nothing: the profile's default
  std::optional<double> bit_rate{};  ///< bit/s
  std::optional<double> max_rate{};  ///< peak in bit/s; semantic and paper profile only
  double rate_window = 2;            ///< seconds by which such a link may delay, 0.1 to 60

  // Coded frames and entry points.
  double keyint = 20;               ///< seconds between entry points at most; 0 = only the first
  std::vector<double> keys{};       ///< entry points wanted at these seconds since the first frame
  bool scene_cut = true;            ///< coded frames at scene cuts
  bool fixed_interval = false;      ///< coded frames on a grid even where nothing changes
  bool low_delay = false;           ///< no frame waits longer than `latency` for its coded frame
  double latency = 0.2;             ///< seconds, for low_delay
  std::optional<int> look_ahead{};  ///< base pictures that their encoder sees ahead, 0 to 48
  int effort = 3;  ///< of the base pictures' encoder: libaom's cpu-used, 0 (slow) to 9

  bool index = true;  ///< write an index, which files want and pipes do not
};

/// The video that is pushed.
struct VideoFormat {
  int width = 0;  ///< as displayed, pixels; what a player shows
  int height = 0;
  Rational time_base{1, 1000};  ///< seconds a pts unit
  Rational frame_rate{};        ///< nominal; 0/1 when unknown
  Rational sample_aspect{1, 1};
  std::optional<double> duration{};  ///< seconds, where known; a help for rate control
};

class SEMCODEC_API StreamEncoder {
 public:
  /// Loads the model and writes the stream's header. Throws Error(usage) on options that contradict
  /// each other, Error(input) when there is no such model, Error(device), and what the sink throws.
  StreamEncoder(StreamWriter::Sink sink, const VideoFormat& video,
                const StreamEncoderOptions& options = {},
                const std::optional<AudioInfo>& audio = {});
  /// Without a sink the bytes are kept for take().
  explicit StreamEncoder(const VideoFormat& video, const StreamEncoderOptions& options = {},
                         const std::optional<AudioInfo>& audio = {});
  ~StreamEncoder();
  StreamEncoder(const StreamEncoder&) = delete;
  StreamEncoder& operator=(const StreamEncoder&) = delete;

  /// Sizes, profile and model of the stream.
  const StreamInfo& info() const;
  /// Where the networks run, for people.
  const std::string& device() const;

  /// The next picture, of any size (scaled to the coded size); pts rising. Throws what coding and
  /// writing earlier pictures threw.
  void push(RgbImage picture, std::int64_t pts);
  /// Audio packets that belong before the next picture; without an AudioInfo they are dropped.
  void push(std::vector<AudioPacket> packets);
  /// Codes what is pending and ends the stream. Throws Error(input) when there was no picture.
  void finish();

  /// Bytes since the last call, where there is no sink.
  std::vector<std::uint8_t> take();

  std::int64_t frames() const;  ///< pushed so far
  /// Where the bytes went; after finish().
  const StreamStats& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semcodec
