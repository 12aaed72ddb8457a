#include "codec/encode/video_run.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "codec/encode/link_control.h"
#include "codec/encode/maps.h"
#include "codec/encode/stats_file.h"
#include "common/app/bounded_queue.h"
#include "common/app/pace_clock.h"
#include "common/core/error.h"
#include "common/core/log.h"

namespace semcodec {

namespace {

/// One thing that the reading thread hands over: a frame with the audio met before it.
struct Unit {
  std::optional<VideoFrame> frame;
  std::vector<AudioPacket> audio;
};

/// Whether its frames are there before their time, as no camera's are.
bool is_file(const std::string& input) {
  struct stat status = {};
  const int found = input == "-" ? fstat(STDIN_FILENO, &status) : stat(input.c_str(), &status);
  return found == 0 && S_ISREG(status.st_mode);
}

constexpr std::size_t kWaitingFrames = 8;
// In real time: as many as hide a coded frame that takes longer than others.
constexpr std::size_t kWaitingLive = 24, kWaitingLowDelay = 4;
constexpr std::size_t kWaitingAudio = std::size_t{1} << 20;  // bytes, of frames that were dropped

/// Frames to the encoder in real time: at the pace of a camera, and dropped where it is not ready.
/// Their audio goes with the next one.
class LiveFeed {
 public:
  LiveFeed(const EncodeJob& job, double seconds_per_unit, BoundedQueue<Unit>& queue)
      : job_(job), seconds_per_unit_(seconds_per_unit), paced_(is_file(job.input)), queue_(queue) {}

  /// False when the encoder wants no more.
  bool push(Unit unit) {
    if (unit.frame && paced_) {
      const double time = static_cast<double>(unit.frame->pts) * seconds_per_unit_;
      pause_for(clock_.wait(time, steady_seconds()), job_.options.cancelled);
    }
    for (AudioPacket& packet : unit.audio) waiting_bytes_ += packet.bytes.size();
    if (waiting_bytes_ <= kWaitingAudio) {
      audio_.insert(audio_.end(), std::make_move_iterator(unit.audio.begin()),
                    std::make_move_iterator(unit.audio.end()));
    }
    unit.audio = std::move(audio_);
    // The end, and what came last, wait for their turn.
    const bool sent = unit.frame ? queue_.try_push(unit) : queue_.push(std::move(unit));
    if (sent) waiting_bytes_ = 0;
    audio_ = sent ? std::vector<AudioPacket>{} : std::move(unit.audio);
    if (sent || queue_.ended()) return sent;
    ++dropped_;
    return true;
  }
  std::int64_t dropped() const { return dropped_; }

 private:
  const EncodeJob& job_;
  double seconds_per_unit_;
  bool paced_;
  BoundedQueue<Unit>& queue_;
  PaceClock clock_{PaceClock::Kind::camera};
  std::vector<AudioPacket> audio_;
  std::size_t waiting_bytes_ = 0;
  std::int64_t dropped_ = 0;
};

/// Returns how many frames were dropped.
std::int64_t read_video(VideoReader& reader, const EncodeJob& job, BoundedQueue<Unit>& queue) {
  std::optional<LiveFeed> live;
  try {
    for (std::int64_t i = 0; i < job.options.skip; ++i) {
      if (!reader.skip()) break;
      reader.take_audio();  // belongs to what is skipped
    }
    if (job.options.realtime) live.emplace(job, reader.info().time_base.value(), queue);
    const auto limit = job.options.limit;
    for (std::int64_t count = 0; limit == 0 || count < limit; ++count) {
      if (job.cancelled()) break;
      Unit unit;
      unit.frame = reader.next();
      unit.audio = reader.take_audio();
      const bool more = unit.frame.has_value();
      const bool wanted = live ? live->push(std::move(unit)) : queue.push(std::move(unit));
      if (!wanted || !more) break;
    }
    queue.close();
  } catch (...) {
    queue.fail(std::current_exception());
  }
  return live ? live->dropped() : 0;
}

void obey(const LinkCommand& command, EncodeRun& run, PacketStream* packets) {
  if (command.rate && !run.set_target(*command.rate)) {
    log::warning("A new rate was asked for, but there is none to change; give --bitrate.");
  }
  if (command.max_rate && packets != nullptr) packets->set_max_rate(*command.max_rate);
  if (command.max_rate && packets == nullptr) {
    log::warning("A new max_rate was asked for, but no packets are sent on a link.");
  }
  if (command.entry_point) run.request_entry_point();
}

}  // namespace

void EncodeJob::throw_if_cancelled() const {
  if (cancelled()) throw Error(ErrorKind::interrupted, "Interrupted.");
}

std::int64_t expected_frames(const VideoInfo& video, std::int64_t skip, std::int64_t limit) {
  const auto left = video.frame_count > 0 ? std::max<std::int64_t>(1, video.frame_count - skip) : 0;
  if (limit == 0) return left;
  return left > 0 ? std::min(limit, left) : limit;
}

std::optional<double> expected_seconds(const VideoInfo& video, std::int64_t skip,
                                       std::int64_t limit) {
  if (!video.frame_rate.known()) return std::nullopt;
  // --limit says how much of a pipe is wanted, not that it is there.
  const bool sure = video.frame_count > 0 || limit > 0;
  if (!sure) return std::nullopt;
  return static_cast<double>(expected_frames(video, skip, limit)) / video.frame_rate.value();
}

VideoRunResult encode_video(VideoReader& reader, const EncodeJob& job,
                            const VideoRunSettings& settings) {
  VideoRunResult result;
  const EncodeFileOptions& options = job.options;
  auto run_settings = settings.run;
  std::int64_t coded_frame_index = 0;
  if (settings.final_output) {
    run_settings.observer = [&](const SemanticFrame& frame, const CodedFrameReport& report) {
      if (!options.stats.empty()) result.coded_frames.push_back(to_json(report));
      if (!options.maps.empty())
        write_maps(options.maps, coded_frame_index++, frame, job.setup.info);
    };
  }
  EncodeRun run(job.setup, run_settings, reader.audio_info());
  EncodeProgress progress;
  progress.task = settings.title;
  progress.expected_frames = expected_frames(reader.info(), options.skip, options.limit);
  const auto tell = [&] {
    progress.frames = run.frames();
    progress.seconds = run.seconds();
    progress.bytes = run.bytes();
    if (options.progress) options.progress(progress);
  };

  std::optional<LinkControl> control;
  if (!options.control.empty()) control.emplace(options.control);
  BoundedQueue<Unit> queue(!options.realtime           ? kWaitingFrames
                           : options.encoder.low_delay ? kWaitingLowDelay
                                                       : kWaitingLive);
  std::thread reading([&] { result.dropped = read_video(reader, job, queue); });
  try {
    while (auto unit = queue.pop()) {
      run.push(std::move(unit->audio));
      if (control) {
        for (const LinkCommand& command : control->poll()) obey(command, run, settings.packets);
      }
      if (!unit->frame) continue;
      run.push(std::move(unit->frame->image), unit->frame->pts);
      tell();
    }
    reading.join();
  } catch (...) {
    queue.cancel();
    reading.join();
    // What was encoded so far stays decodable.
    if (!job.cancelled() || run.frames() == 0) throw;
  }
  const bool cancelled = job.cancelled();
  if (run.frames() == 0) {
    job.throw_if_cancelled();
    throw Error(ErrorKind::input,
                job.input + " has no frame in the range asked for; lower --skip.");
  }
  static_cast<RunResult&>(result) = run.finish();
  const auto rate = job.setup.video.frame_rate;
  if (rate.known()) result.seconds += static_cast<double>(result.dropped) / rate.value();
  progress.done = true;
  tell();
  result.cancelled = cancelled;
  result.warning = reader.warning();
  return result;
}

}  // namespace semcodec
