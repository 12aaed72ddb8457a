#include "codec/encode/encode_run.h"

#include <utility>

namespace semcodec {

namespace {

constexpr double kAudioBatch = 2;  // seconds of audio in a record

std::unique_ptr<Encoder> make_encoder(const EncodeSetup& setup, const RunSettings& settings,
                                      StreamWriter& writer) {
  auto options = setup.options;
  options.rate_control = settings.rate_control;
  options.entries = settings.entries;
  return setup.make_encoder(options, writer);
}

}  // namespace

EncodeRun::EncodeRun(const EncodeSetup& setup, const RunSettings& settings,
                     const std::optional<AudioInfo>& audio)
    : setup_(setup),
      observer_(settings.observer),
      with_index_(settings.with_index),
      writer_(settings.sink, setup.info),
      encoder_(make_encoder(setup, settings, writer_)),
      audio_(writer_, audio, setup.low_delay ? 0.0 : kAudioBatch, [this](AudioBatch batch) {
        encoder_->write([batch = std::move(batch)](StreamWriter& to) { to.write_audio(batch); });
      }) {
  // A frame that shares its record with later ones leaves with them. A link's peak counts bytes at
  // the time of their frame, and packets need no sharing.
  if (settings.group && !setup.low_delay && !setup.options.peak) writer_.group({.frames = 8});
  encoder_->set_observer([this](const SemanticFrame& frame, const CodedFrameReport& report) {
    observe(frame, report);
  });
}

void EncodeRun::observe(const SemanticFrame& frame, const CodedFrameReport& report) {
  seconds_ = report.seconds;
  bytes_ = report.stream_bytes;
  record_.coded_frames.push_back({report.seconds,
                                  8.0 * static_cast<double>(report.bytes),
                                  8.0 * static_cast<double>(report.stream_bytes),
                                  report.entry_point,
                                  {report.quality, report.interval_scale}});
  if (observer_) observer_(frame, report);
}

RunResult EncodeRun::finish() {
  encoder_->finish();
  audio_.flush();
  encoder_->settle();
  writer_.finish(with_index_);
  RunResult result;
  result.stats = writer_.stats();
  result.frames = encoder_->frames();
  const auto rate = setup_.video.frame_rate;
  result.seconds = rate.known() ? static_cast<double>(result.frames) / rate.value() : seconds_;
  result.record = std::move(record_);
  result.record.total = 8.0 * static_cast<double>(result.counted_bytes(setup_.options.count_audio));
  result.peak = encoder_->peak();
  return result;
}

}  // namespace semcodec
