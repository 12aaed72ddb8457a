#include "decoder/play/frame_output.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace semcodec {
namespace {

/// Whether nothing but the time holds the sender back there.
bool needs_pacing(const std::string& path) {
  static constexpr std::array<std::string_view, 5> kSchemes = {"udp", "rtp", "srt", "rtmp",
                                                               "rtmps"};
  const auto end = path.find("://");
  return end != std::string::npos &&
         std::find(kSchemes.begin(), kSchemes.end(), path.substr(0, end)) != kSchemes.end();
}

}  // namespace

FrameOutput::FrameOutput(const FrameOutputOptions& options) : options_(options) {
  if (options.window) window_ = std::make_unique<Window>(*options.window);
  if (needs_pacing(options.path)) {
    pace_.emplace(options.live ? PaceClock::Kind::live : PaceClock::Kind::player);
  }
}

void FrameOutput::begin(const std::optional<AudioInfo>& audio) {
  if (options_.path.empty()) return;
  options_.writer.audio = audio;
  writer_.emplace(options_.path, options_.writer);
}

bool FrameOutput::write(RgbImage picture, std::int64_t pts, double seconds) {
  if (pace_) pause_for(pace_->wait(seconds, steady_seconds()), options_.cancelled);
  if (writer_) writer_->write(picture, pts);
  ++frames_;
  return !window_ || window_->show(std::move(picture), seconds);
}

void FrameOutput::write(const std::vector<AudioPacket>& packets) {
  if (!writer_) return;
  for (const auto& packet : packets) writer_->write(packet);
}

void FrameOutput::finish() {
  if (writer_) writer_->finish();
  const double rate = options_.writer.frame_rate.known() ? options_.writer.frame_rate.value() : 25;
  if (window_) window_->finish(1 / rate);
}

std::string FrameOutput::summary() const {
  std::string text;
  if (writer_) text = "Wrote " + options_.path + ": " + std::to_string(frames_) + " frames.";
  if (window_) {
    if (writer_) text += " ";
    text += "Showed " + std::to_string(window_->shown()) + " frames.";
  }
  return text;
}

}  // namespace semcodec
