#pragma once
/// @file
/// VideoReader: any container and codec that libav opens, as RGB pictures with timestamps.
///
///   VideoReader reader("clip.mp4", {.audio = AudioMode::copy});
///   reader.set_output_size(448, 256);              // optional; default: the displayed size
///   while (auto frame = reader.next()) { …; for (auto& packet : reader.take_audio()) …; }
///   if (!reader.warning().empty()) log::warning(reader.warning());
///
/// Pictures are upright (the container's display matrix is applied, flips included), full-range
/// RGB, converted with the matrix and range the stream is tagged with. Untagged YUV is taken as
/// players take it: limited range, BT.709 from 1280 pixels wide or more than 576 high, else BT.601.
/// Scaling and colour conversion are one swscale pass: area averaging down, bicubic up.
///
/// All failures are Error(input) or Error(unsupported) with one sentence that names the file, or
/// Error(device) where a device was asked for.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "semcodec/export.h"
#include "semcodec/video_types.h"

namespace semcodec {

enum class AudioMode {
  none,  ///< audio is not looked at
  copy,  ///< packets of the best audio stream, as they are in the file; coded anew as Opus where a
         ///< .sem stream does not carry the codec
  opus   ///< decoded and coded anew as Opus at ReaderOptions::audio_bit_rate
};

struct ReaderOptions {
  int width = 0;  ///< size of the pictures handed out; 0 = displayed size
  int height = 0;
  int threads = 0;  ///< decoder threads on the CPU, 0 = as many as there are cores
  /// Streams that the device does not decode are decoded on the CPU, which is said once each.
  HwAccel hwaccel = HwAccel::none;
  AudioMode audio = AudioMode::none;
  std::int64_t audio_bit_rate = 32000;  ///< bit/s, AudioMode::opus only, 6000 … 510000
  /// libav's demuxer or device ("v4l2", "lavfi"); empty: found out. Devices are there where
  /// semcodec was built with libavdevice.
  std::string format{};
  std::string settings{};  ///< libav's options for it: "framerate=30:video_size=640x480"
  /// Asked while reading blocks (stdin, network); true ends the read with Error(interrupted).
  std::function<bool()> cancelled{};
};

struct VideoInfo {
  int width = 0;  ///< as displayed, i.e. after rotation, before any scaling asked for
  int height = 0;
  Rational sample_aspect{1, 1};  ///< of the displayed picture (swapped with a quarter turn)
  Rational time_base{1, 1};      ///< seconds a pts unit
  Rational frame_rate{};         ///< average; 0/1 when unknown
  double duration = 0;           ///< seconds; 0 when unknown (pipes)
  std::int64_t frame_count = 0;  ///< estimate; 0 when unknown
  bool full_range = false;       ///< of the coded samples, after guessing
  std::string matrix{};          ///< "bt601", "bt709", "bt2020", "smpte240m", "fcc", "rgb"
  int rotation = 0;              ///< degrees clockwise that were applied: 0, 90, 180, 270
  bool mirrored = false;         ///< flipped left-right, before the rotation
  std::string codec{};           ///< "h264", "rawvideo" …
  std::string container{};       ///< libav's demuxer name
};

class SEMCODEC_API VideoReader {
 public:
  /// Opens `path`, or stdin for "-", and decodes as far as the first picture, so info() is exact.
  /// Also takes what libav takes: a picture, a pattern such as frame_%04d.png, a URL.
  explicit VideoReader(const std::string& path, const ReaderOptions& options = {});
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;

  const VideoInfo& info() const;

  /// Size of the pictures that next() returns from now on. 0, 0 = displayed size.
  void set_output_size(int width, int height);

  /// The next picture, or nothing at the end. A stream that changes its size on the way is scaled
  /// to the size it began with.
  std::optional<VideoFrame> next();

  /// Decodes the next picture but does not convert it: its pts, or nothing at the end. For
  /// skipping quickly.
  std::optional<std::int64_t> skip();

  /// The audio stream, when options.audio asked for one and the file has one it can read.
  const std::optional<AudioInfo>& audio_info() const;

  /// Audio packets met since the last call, in file order. After next() has returned nothing, the
  /// rest. Call it about once a picture: what is not taken stays in memory.
  std::vector<AudioPacket> take_audio();

  /// One sentence when the stream was damaged or ended too early, else empty. Complete once next()
  /// has returned nothing.
  const std::string& warning() const;
  /// Whether it ended because reading failed (a disk, a network), not because the bytes ended.
  bool failed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semcodec
