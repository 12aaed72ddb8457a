#include "semcodec/encoder.h"

#include <mutex>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "codec/encode/encode_run.h"
#include "common/core/error.h"
#include "models/core/device.h"

namespace semcodec {

namespace {

/// Area averaging down, bicubic up, like VideoReader.
RgbImage resized(RgbImage picture, int width, int height) {
  require(picture.width > 0 && picture.height > 0 &&
              picture.pixels.size() == std::size_t{3} * static_cast<std::size_t>(picture.width) *
                                           static_cast<std::size_t>(picture.height),
          ErrorKind::usage, "A picture should hold 3 bytes a pixel, width x height of them.");
  if (picture.width == width && picture.height == height) return picture;
  RgbImage result(width, height);
  const cv::Mat from(picture.height, picture.width, CV_8UC3, picture.pixels.data());
  cv::Mat to(height, width, CV_8UC3, result.pixels.data());
  const bool down = width <= picture.width && height <= picture.height;
  cv::resize(from, to, to.size(), 0, 0, down ? cv::INTER_AREA : cv::INTER_CUBIC);
  return result;
}

}  // namespace

struct StreamEncoder::Impl {
  Impl(StreamWriter::Sink sink, const VideoFormat& video, const StreamEncoderOptions& options,
       const std::optional<AudioInfo>& audio)
      : setup(prepare_encoding(options, video, rate_request(options, std::nullopt), true)),
        device(describe(setup.device)),
        run(setup, run_settings(std::move(sink), options), audio) {}

  RunSettings run_settings(StreamWriter::Sink sink, const StreamEncoderOptions& options) {
    RunSettings settings;
    settings.rate_control = setup.one_pass_control();
    settings.with_index = options.index;
    settings.sink = sink ? std::move(sink) : [this](std::span<const std::uint8_t> bytes) {
      const std::lock_guard<std::mutex> lock(mutex);
      kept.insert(kept.end(), bytes.begin(), bytes.end());
    };
    return settings;
  }

  std::mutex mutex;
  std::vector<std::uint8_t> kept;
  EncodeSetup setup;
  std::string device;
  EncodeRun run;
  StreamStats stats;
};

StreamEncoder::StreamEncoder(StreamWriter::Sink sink, const VideoFormat& video,
                             const StreamEncoderOptions& options,
                             const std::optional<AudioInfo>& audio)
    : impl_(std::make_unique<Impl>(std::move(sink), video, options, audio)) {}

StreamEncoder::StreamEncoder(const VideoFormat& video, const StreamEncoderOptions& options,
                             const std::optional<AudioInfo>& audio)
    : StreamEncoder(StreamWriter::Sink(), video, options, audio) {}

StreamEncoder::~StreamEncoder() = default;

const StreamInfo& StreamEncoder::info() const { return impl_->setup.info; }
const std::string& StreamEncoder::device() const { return impl_->device; }

void StreamEncoder::push(RgbImage picture, std::int64_t pts) {
  impl_->run.push(resized(std::move(picture), info().coded_width, info().coded_height), pts);
}

void StreamEncoder::push(std::vector<AudioPacket> packets) { impl_->run.push(std::move(packets)); }

void StreamEncoder::finish() {
  require(frames() > 0, ErrorKind::input, "No picture was pushed, so there is nothing to encode.");
  impl_->stats = impl_->run.finish().stats;
}

std::vector<std::uint8_t> StreamEncoder::take() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return std::exchange(impl_->kept, {});
}

std::int64_t StreamEncoder::frames() const { return impl_->run.frames(); }
const StreamStats& StreamEncoder::stats() const { return impl_->stats; }

}  // namespace semcodec
