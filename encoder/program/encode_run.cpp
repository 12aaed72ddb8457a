#include "encoder/program/encode_run.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "common/app/bounded_queue.h"
#include "common/app/interrupt.h"
#include "common/core/error.h"
#include "encoder/program/audio_carrier.h"
#include "encoder/program/maps.h"
#include "encoder/program/stats_file.h"

namespace semcodec {

namespace {

/// One thing that the reading thread hands over: a frame with the audio met before it.
struct Unit {
  std::optional<VideoFrame> frame;
  std::vector<AudioPacket> audio;
};

void read_video(VideoReader& reader, const EncodeJob& job, BoundedQueue<Unit>& queue) {
  try {
    for (std::int64_t i = 0; i < job.skip; ++i) {
      if (!reader.skip()) break;
      reader.take_audio();  // belongs to what is skipped
    }
    for (std::int64_t count = 0; job.limit == 0 || count < job.limit; ++count) {
      if (interrupted()) break;
      Unit unit;
      unit.frame = reader.next();
      unit.audio = reader.take_audio();
      const bool more = unit.frame.has_value();
      if (!queue.push(std::move(unit)) || !more) break;
    }
    queue.close();
  } catch (...) {
    queue.fail(std::current_exception());
  }
}

}  // namespace

std::int64_t EncodeJob::expected_frames() const {
  const auto left = video.frame_count > 0 ? std::max<std::int64_t>(1, video.frame_count - skip) : 0;
  if (limit == 0) return left;
  return left > 0 ? std::min(limit, left) : limit;
}

std::optional<double> EncodeJob::expected_seconds() const {
  if (!video.frame_rate.known()) return std::nullopt;
  // --limit says how much of a pipe is wanted, not that it is there.
  const bool sure = video.frame_count > 0 || limit > 0;
  if (!sure) return std::nullopt;
  return static_cast<double>(expected_frames()) / video.frame_rate.value();
}

RunResult run_encoder(VideoReader& reader, const EncodeJob& job, const RunSettings& settings) {
  RunResult result;
  StreamWriter writer(settings.sink, job.info);
  // A frame that shares its record with later ones leaves with them. A link's peak counts bytes at
  // the time of their frame.
  if (!job.low_delay && !job.options.peak) writer.group({.frames = 8});
  auto options = job.options;
  options.rate_control = settings.rate_control;
  options.entries = settings.entries;
  const auto encoder = job.make_encoder(options, writer);
  AudioCarrier audio(writer, reader.audio_info(), job.low_delay ? 0.0 : 2.0, [&](AudioBatch batch) {
    encoder->write([batch = std::move(batch)](StreamWriter& to) { to.write_audio(batch); });
  });
  Progress progress(job.progress, settings.title, job.expected_frames());
  std::int64_t anchor_index = 0;
  double last_seconds = 0;
  std::uint64_t last_bytes = 0;
  encoder->set_observer([&](const SemanticFrame& frame, const AnchorReport& report) {
    last_seconds = report.seconds;
    last_bytes = report.stream_bytes;
    result.record.anchors.push_back({report.seconds,
                                     8.0 * static_cast<double>(report.bytes),
                                     8.0 * static_cast<double>(last_bytes),
                                     report.entry_point,
                                     {report.quality, report.interval_scale}});
    if (!settings.final_output) return;
    if (job.anchor_list) result.anchors.push_back(to_json(report));
    if (!job.maps.empty()) write_maps(job.maps, anchor_index++, frame, job.info);
  });

  BoundedQueue<Unit> queue(8);
  std::thread reading([&] { read_video(reader, job, queue); });
  try {
    while (auto unit = queue.pop()) {
      audio.add(std::move(unit->audio));
      if (!unit->frame) continue;
      encoder->push(std::move(unit->frame->image), unit->frame->pts);
      progress.update(encoder->frames(), last_seconds, last_bytes);
    }
    reading.join();
  } catch (...) {
    queue.cancel();
    reading.join();
    // What was encoded so far stays decodable.
    if (!interrupted() || encoder->frames() == 0) throw;
  }
  result.interrupted = interrupted();
  if (encoder->frames() == 0) {
    throw_if_interrupted();
    throw Error(ErrorKind::input,
                job.input + " has no frame in the range asked for; lower --skip.");
  }
  encoder->finish();
  audio.flush();
  encoder->settle();
  writer.finish(settings.with_index);
  progress.finish();
  result.stats = writer.stats();
  result.frames = encoder->frames();
  result.seconds = job.video.frame_rate.known()
                       ? static_cast<double>(result.frames) / job.video.frame_rate.value()
                       : last_seconds;
  result.record.total = 8.0 * static_cast<double>(result.counted_bytes(job.options.count_audio));
  result.peak = encoder->peak();
  result.warning = reader.warning();
  return result;
}

}  // namespace semcodec
