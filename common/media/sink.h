#pragma once
// What stands behind VideoWriter: one class a kind of output. Private to this folder.

#include <cstdint>
#include <memory>
#include <string>

#include "semcodec/video_writer.h"

namespace semcodec {

class VideoSink {
 public:
  virtual ~VideoSink() = default;

  /// Called once, before the first picture, with the final size.
  virtual void start(int width, int height) = 0;
  virtual void write(const RgbImage& image, std::int64_t pts) = 0;
  virtual void write(const AudioPacket& packet) = 0;
  virtual void finish() = 0;
  virtual std::uint64_t bytes() const = 0;
  virtual std::string audio_handling() const = 0;  ///< see VideoWriter::audio_handling()
};

/// The formats with containers. The output is opened at once; `format` as in WriterOptions.
std::unique_ptr<VideoSink> make_mux_sink(const std::string& path, const std::string& format,
                                         const WriterOptions& options);
std::unique_ptr<VideoSink> make_y4m_sink(const std::string& path, const WriterOptions& options);

}  // namespace semcodec
