#pragma once
/// @file
/// VideoWriter: RGB pictures with timestamps to a video file, a pipe, a network, or nowhere.
///
///   VideoWriter writer("out.mp4", {.time_base = {1, 90000}, .frame_rate = {30, 1}});
///   writer.write(image, pts); …; writer.write(audio_packet); …; writer.finish();
///
/// Formats (by WriterOptions::format, else by the extension, else mp4; "-" is y4m; of addresses
/// rtp:// is rtp, rtmp:// flv, others mpegts):
///   mp4   H.264 or HEVC, yuv420p BT.709 limited, fully tagged. Moov in front (faststart), or
///         fragments when the output is a pipe or device. pts are kept exactly, VFR included.
///   mkv   the same video; Matroska rounds times to whole milliseconds.
///   y4m   uncompressed 4:2:0 at a constant rate: pictures are repeated or dropped where the
///         timestamps ask for it. Matrix as readers guess it for that size. No audio (said once).
///   mpegts, flv, rtp (MPEG-TS in RTP)   the same video, for networks; pts in 1/90000 or 1/1000 s.
///   null  pictures are scaled and counted, nothing is written.
/// 4:2:0 needs even sizes in H.264, so odd ones are written as yuv444p, which is said once.
///
/// An address such as tcp://HOST:PORT or srt://HOST:PORT is opened by libav, with no protocol but
/// the one named and those beneath it; pictures leave as they come, in real time if that is when
/// they come.
///
/// A file appears under its final name only after finish(); a writer destroyed before that leaves
/// nothing behind. All failures are Error(output) naming the file and the cause.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "semcodec/export.h"
#include "semcodec/video_types.h"

namespace semcodec {

struct WriterOptions {
  int width = 0;  ///< size written; 0 = that of the first picture
  int height = 0;
  Rational time_base{1, 1000};  ///< unit of the pts given to write()
  Rational frame_rate{};        ///< nominal; needed by y4m, else only a hint. 0/1 = unknown
  Rational sample_aspect{1, 1};
  std::string format{};              ///< "", "mp4", "mkv", "mpegts", "flv", "rtp", "y4m", "null"
  std::string encoder = "libx264";   ///< or "h264_nvenc", "hevc_nvenc": on an NVIDIA GPU
  int crf = 18;                      ///< quality, 0 (lossless) … 51; NVENC: its cq
  std::string preset = "medium";     ///< of x264, translated for NVENC, which also knows p1 … p7
  int threads = 0;                   ///< encoder threads, 0 = as libx264 likes
  std::optional<AudioInfo> audio{};  ///< declares the audio track that write(AudioPacket) feeds
  std::int64_t audio_bit_rate = 128000;  ///< when the audio must be coded anew for the container
  /// Bytes of audio that may wait for pictures; what comes beyond is left out, which is said once.
  std::uint64_t max_waiting = std::uint64_t{32} << 20;
  /// Asked while an address blocks; true gives up.
  std::function<bool()> cancelled{};
  std::string title{};  ///< container metadata, may be empty
  int rotation = 0;     ///< display matrix to write: 0, 90, 180, 270 clockwise (mp4 only)
};

/// The video encoder for an output, by its path and format as in VideoWriter: `wanted` itself, or
/// for "auto" h264_nvenc where it works, else libx264, which is said once. Throws Error(usage) on
/// other names and where the format has no encoder, Error(unsupported) when libav lacks an encoder
/// asked for by name, Error(device) when there is no GPU or driver for it.
SEMCODEC_API std::string choose_video_encoder(const std::string& wanted, const std::string& path,
                                              const std::string& format);

class SEMCODEC_API VideoWriter {
 public:
  /// Checks the options and opens the output. Does not ask before overwriting: see check_output().
  VideoWriter(const std::string& path, const WriterOptions& options);
  ~VideoWriter();
  VideoWriter(VideoWriter&&) noexcept;
  VideoWriter& operator=(VideoWriter&&) noexcept;

  /// Adds a picture of any size (scaled to the output size). pts must increase from call to call.
  void write(const RgbImage& image, std::int64_t pts);

  /// Adds an audio packet; without WriterOptions::audio it is dropped. Hand video and audio over
  /// roughly in time order: the one that is ahead waits in memory.
  void write(const AudioPacket& packet);

  /// Flushes the encoder, completes the file and gives it its final name. At least one picture must
  /// have been written.
  void finish();

  std::int64_t frames() const;        ///< pictures accepted so far
  std::uint64_t bytes() const;        ///< written so far, approximate before finish()
  const std::string& format() const;  ///< as in WriterOptions
  /// What becomes of the audio: "copy", the name of the codec it is re-encoded to, or "none".
  const std::string& audio_handling() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semcodec
