#pragma once
// How far a program is, on stderr.
//
//   bar   one line that is rewritten: share, frame, fps, kbit/s, time left. At most 10 a second.
//   json  one object a line, at most 10 a second and one at the end:
//         {"event":"progress","task":"encode","frame":120,"frames":300,"seconds":4.0,"fps":24.8,
//          "kbps":7.91,"bytes":3955,"elapsed":4.84,"eta":7.26}
//         Fields that are not known (frames, kbps, eta) are null. The last has "event":"done".
//   none  nothing.
//   auto  bar on a terminal, else none.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>

namespace semcodec {

enum class ProgressMode { automatic, bar, json, none };

/// "auto", "bar", "json", "none". Throws Error(usage).
ProgressMode parse_progress_mode(const std::string& text);

class Progress {
 public:
  /// `frames` is the expected total, 0 when unknown. Nothing is shown when log::level() is quiet,
  /// except in json mode. `stream` is for tests.
  Progress(ProgressMode mode, const std::string& task, std::int64_t frames,
           std::FILE* stream = stderr);
  ~Progress();  ///< wipes an unfinished bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Called for every frame, from any thread. `seconds` of video and `bytes` of stream so far give
  /// kbit/s; 0 bytes = not shown.
  void update(std::int64_t frame, double seconds = 0, std::uint64_t bytes = 0);

  /// The last state, printed whatever the time since the last one.
  void finish();

  /// Replaces the estimate of the total.
  void set_total(std::int64_t frames);

 private:
  using Clock = std::chrono::steady_clock;
  void show(bool last);
  void show_bar(bool last, double elapsed);
  void show_json(bool last, double elapsed);

  ProgressMode mode_;
  std::string task_;
  std::FILE* stream_;
  std::mutex mutex_;
  std::int64_t total_ = 0;
  std::int64_t frame_ = 0;
  double seconds_ = 0;
  std::uint64_t bytes_ = 0;
  Clock::time_point start_;
  Clock::time_point shown_;
  bool on_screen_ = false;
  bool finished_ = false;
};

}  // namespace semcodec
