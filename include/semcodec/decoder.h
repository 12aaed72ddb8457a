#pragma once
/// @file
/// The receiver as a program uses it: a .sem stream in, pictures with timestamps out.
///
///   StreamDecoder decoder("clip.sem");
///   while (auto frame = decoder.next()) show(frame->image, frame->seconds);
///
/// Frames are generated in threads of the decoder's own, up to 32 of them ahead of next(). One
/// thread at a time may call next() and take_audio(); cancel() may be called from any.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "semcodec/export.h"
#include "semcodec/image.h"
#include "semcodec/stream_reader.h"

namespace semcodec {

struct StreamDecoderOptions {
  std::string model{};     ///< a name or a folder (model.h); empty: the one that the stream names
  bool any_model = false;  ///< go on with a model that the stream was not made for
  std::string device = "auto";  ///< "auto", "cpu" or "cuda:N"
  int threads = 0;              ///< 0 = one a core
  bool deterministic = false;   ///< the same bits every time on one machine, for any `threads`
  bool strict = false;          ///< Error(corrupt) at the first damage instead of going on

  // Limits, for streams of strangers.
  int max_width = 2048;  ///< larger coded sizes are refused (Error(unsupported))
  int max_height = 2048;
  /// Bytes that may wait undelivered: audio before its pictures, frames before Options::start.
  std::uint64_t max_waiting = std::uint64_t{32} << 20;
  /// Bytes that generating pictures may take by estimate_memory(); beyond that the stream is
  /// refused before it begins. 0 = what the machine has.
  std::uint64_t max_memory = std::uint64_t{1280} << 20;

  /// From faithful (0) to vivid (1), where the stream has base pictures; nothing: the model's.
  std::optional<double> detail{};
  bool refine_flow = true;  ///< false: the transmitted motion is used as it is
  bool low_delay = false;   ///< a coded frame does not wait for the next one, nor do lost frames
                            ///< for an entry point

  // Which frames come out. Times are seconds since the stream's first frame.
  std::optional<double> start{};  ///< from here on; a seekable stream is not decoded before
  std::optional<double> end{};    ///< to before here
  std::int64_t skip = 0;          ///< leave out this many frames first
  std::int64_t limit = 0;         ///< hand out at most this many; 0 = all

  /// Asked interpolated frames, from a thread of the decoder; true ends the frames like cancel().
  std::function<bool()> cancelled{};
};

struct DecodedFrame {
  RgbImage image{};      ///< at the coded size, StreamInfo::coded_width × coded_height
  std::int64_t pts = 0;  ///< in StreamInfo::time_base units
  double seconds = 0;    ///< the same in seconds
  bool coded = false;    ///< the stream describes this frame; false: it is interpolated
};

class SEMCODEC_API StreamDecoder {
 public:
  /// Opens a file, or stdin for "-", and loads the model. Throws what StreamReader throws,
  /// Error(input) when there is no such model or no frame at Options::start, Error(unsupported)
  /// when the model is another one than the stream's and any_model is false, Error(device).
  explicit StreamDecoder(const std::string& path, const StreamDecoderOptions& options = {});
  /// The same from any source of bytes; `name` is used in messages.
  StreamDecoder(StreamReader::Source source, const std::string& name,
                const StreamDecoderOptions& options = {});
  ~StreamDecoder();  ///< ends the threads
  StreamDecoder(const StreamDecoder&) = delete;
  StreamDecoder& operator=(const StreamDecoder&) = delete;

  const StreamInfo& info() const;
  /// Where frames are generated, for people: "CPU, bf16, 2 threads".
  const std::string& device() const;
  /// Frames that a whole file holds; 0 when unknown (pipes, part of a stream).
  std::int64_t expected_frames() const;

  /// The next frame in display order, nothing at the end or once cancelled. Waits for it. Throws
  /// what reading and decoding throw.
  std::optional<DecodedFrame> next();

  /// The audio track, known at the latest when the first frame was handed out.
  const std::optional<AudioInfo>& audio_info() const;
  /// Audio packets met since the last call, in the order of the stream; those before the first
  /// frame handed out are left out when it is not the stream's first. After next() has returned
  /// nothing, the rest.
  std::vector<AudioPacket> take_audio();

  /// Frames that were lost and are shown all the same: interpolated, moved on, or repeated. Final
  /// once next() has returned nothing.
  std::uint64_t concealed_frames() const;

  /// Audio packets left out for want of Options::max_waiting.
  std::uint64_t audio_left_out() const;

  /// Ends the frames: next() returns nothing from now on.
  void cancel();

  /// How the stream ended, and one sentence about the first thing that was wrong with it. Both are
  /// final once next() has returned nothing.
  StreamStatus status() const;
  const std::string& problem() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semcodec
