#include "decoder/playback/playback.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "common/core/error.h"

namespace semcodec {

namespace {

// Audio is written in batches of about two seconds and may run ahead of the pictures in a file, so
// reading begins this much before the start; only generation begins at the entry point.
constexpr double kAudioLead = 4;

std::uint64_t memory_of(const SemanticFrame& frame) {
  std::uint64_t bytes = sizeof frame + 8 * frame.interpolated_pts.size() +
                        4 * frame.motion.dx.size() + frame.structure.values.size() +
                        frame.labels.values.size();
  for (const Plane& plane : frame.texture) bytes += plane.values.size();
  if (frame.intra_picture) bytes += frame.intra_picture->bytes.size();
  if (frame.base) bytes += frame.base->bytes.size();
  return bytes;
}

}  // namespace

Playback::Playback(StreamReader& reader, const PlaybackRange& range)
    : reader_(reader), limited_(range.start || range.end), max_waiting_(range.max_waiting) {
  require(!range.end || *range.end > range.start.value_or(0), ErrorKind::usage,
          "--to has to lie behind --start.");
  if (!limited_) return;
  const StreamInfo& info = reader.info();
  const double unit = static_cast<double>(info.time_base_num) / info.time_base_den;
  lead_ = static_cast<std::int64_t>(std::ceil(kAudioLead / unit));
  // The description of the audio comes before the first frame.
  const SemanticFrame* first = nullptr;
  while (first == nullptr) {
    auto item = reader_.next();
    if (!item) return;
    read_ahead_.push_back(std::move(*item));
    first = read_ahead_.back().frame();
    if (const AudioInfo* audio = read_ahead_.back().audio_info()) {
      audio_units_ = audio->time_base.value() / unit;
    }
  }
  const auto origin =
      first->interpolated_pts.empty() ? first->pts : first->interpolated_pts.front();
  // A thousandth of a frame's worth of slack: 0.28 s means the frame at 0.28, however it rounds.
  const auto to_pts = [&](double seconds) {
    return origin + static_cast<std::int64_t>(std::min(std::ceil(seconds / unit - 1e-3), 1e18));
  };
  if (range.end) end_ = to_pts(*range.end);
  if (!range.start) return;
  start_ = to_pts(*range.start);
  const auto totals = reader_.seekable() ? reader_.totals() : std::nullopt;
  require(!totals || start_ <= totals->last_pts, ErrorKind::input,
          "The stream ends at " +
              std::to_string(totals ? static_cast<double>(totals->last_pts - origin) * unit : 0.0) +
              " s, before the start asked for; lower --start.");
  running_ = start_ <= origin;
  if (running_ || !reader_.seekable()) return;
  std::erase_if(read_ahead_, [](const StreamItem& item) { return item.audio_info() == nullptr; });
  reader_.seek(start_ - lead_);
}

std::optional<StreamItem> Playback::read() {
  if (read_ahead_.empty()) return reader_.next();
  auto item = std::move(read_ahead_.front());
  read_ahead_.pop_front();
  return item;
}

void Playback::trim(SemanticFrame& frame) const {
  std::erase_if(frame.interpolated_pts, [this](std::int64_t pts) { return !shows(pts); });
}

void Playback::trim(AudioBatch& batch) const {
  std::erase_if(batch, [this](const AudioPacket& packet) {
    const double at = static_cast<double>(packet.pts) * audio_units_;
    return at < static_cast<double>(start_) || at >= static_cast<double>(end_);
  });
}

std::optional<StreamItem> Playback::next() {
  for (;;) {
    if (!ready_.empty() && (running_ || ready_bytes_ > max_waiting_)) {
      auto item = std::move(ready_.front());
      ready_.pop_front();
      ready_bytes_ -= memory_of(*item.frame());
      return item;
    }
    auto item = read();
    if (!item || !limited_) return item;
    if (auto* batch = std::get_if<AudioBatch>(&item->content)) trim(*batch);
    SemanticFrame* frame = item->frame();
    if (frame == nullptr) return item;
    if (ended_) {
      if (std::exchange(look_ahead_due_, false) && frame->base) {
        frame->interpolated_pts.clear();
        return item;
      }
      // Only the sound that belongs to the last pictures is still to come.
      if (audio_units_ <= 0 || frame->pts - lead_ >= end_) return std::nullopt;
      continue;
    }
    ended_ = frame->pts >= end_;
    trim(*frame);
    if (ended_) {
      const bool shows_some = !frame->interpolated_pts.empty();
      // The frame before a base picture is generated with a look at it.
      look_ahead_due_ = frame->base && shows_some;
      if (!frame->base && !shows_some) continue;
    }
    if (running_) return item;
    if (frame->entry_point && frame->pts <= start_) {
      ready_.clear();
      ready_bytes_ = 0;
    }
    running_ = frame->pts >= start_;
    ready_bytes_ += memory_of(*frame);
    ready_.push_back(std::move(*item));
  }
}

}  // namespace semcodec
