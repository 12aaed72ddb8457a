#pragma once
// Where decoded frames go: a video file or address, a window, or both.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/app/pace_clock.h"
#include "decoder/play/window.h"
#include "semcodec/video_writer.h"

namespace semcodec {

struct FrameOutputOptions {
  std::string path{};  ///< as VideoWriter takes it; "": none
  WriterOptions writer{};
  std::optional<WindowOptions> window{};
  bool live = false;  ///< frames come from a link at the time that they are for
  std::function<bool()> cancelled{};
};

class FrameOutput {
 public:
  /// Opens the window. Throws what Window throws.
  explicit FrameOutput(const FrameOutputOptions& options);

  /// Opens the video, where one is wanted, and says what its audio will be. Before the first frame.
  void begin(const std::optional<AudioInfo>& audio);
  /// False when the window was closed. Frames for udp://, rtp://, srt:// and rtmp:// wait for their
  /// time: who receives there takes pictures as they come.
  bool write(RgbImage picture, std::int64_t pts, double seconds);
  void write(const std::vector<AudioPacket>& packets);
  /// Completes the video, and shows the last frame as long as it lasts.
  void finish();

  std::int64_t frames() const { return frames_; }
  /// "Wrote out.mp4: 100 frames." and what was shown.
  std::string summary() const;

 private:
  FrameOutputOptions options_;
  std::unique_ptr<Window> window_;
  std::optional<VideoWriter> writer_;
  std::optional<PaceClock> pace_;
  std::int64_t frames_ = 0;
};

}  // namespace semcodec
