#pragma once
// Collects audio packets and writes them some seconds at a time, which compresses well and still
// streams. With 0 seconds every batch leaves at once.

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "semcodec/stream_writer.h"

namespace semcodec {

class AudioCarrier {
 public:
  /// `write` has a batch written, in order with the rest; the description is written here.
  AudioCarrier(StreamWriter& writer, const std::optional<AudioInfo>& info, double seconds,
               std::function<void(AudioBatch)> write)
      : seconds_(seconds), write_(std::move(write)) {
    if (!info) return;
    writer.write_audio_info(*info);
    seconds_per_unit_ = info->time_base.value();
  }
  void add(std::vector<AudioPacket> packets) {
    if (seconds_per_unit_ <= 0) return;
    for (auto& packet : packets) batch_.push_back(std::move(packet));
    if (!batch_.empty() &&
        static_cast<double>(batch_.back().pts - batch_.front().pts) * seconds_per_unit_ >=
            seconds_) {
      flush();
    }
  }
  void flush() {
    if (batch_.empty()) return;
    write_(std::exchange(batch_, {}));
  }

 private:
  double seconds_;
  std::function<void(AudioBatch)> write_;
  double seconds_per_unit_ = 0;
  AudioBatch batch_;
};

}  // namespace semcodec
