#include "common/app/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "common/app/units.h"
#include "common/core/error.h"
#include "common/core/log.h"

namespace semcodec {
namespace {

constexpr std::chrono::milliseconds kInterval{100};

int terminal_columns(std::FILE* stream) {
  winsize size = {};
  const bool known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string json_number(double value, const char* format) {
  if (!std::isfinite(value)) return "null";
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

std::string json_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "\"";
}

}  // namespace

ProgressMode parse_progress_mode(const std::string& text) {
  if (text == "auto") return ProgressMode::automatic;
  if (text == "bar") return ProgressMode::bar;
  if (text == "json") return ProgressMode::json;
  if (text == "none") return ProgressMode::none;
  throw Error(ErrorKind::usage, "\"" + text + "\" is not one of auto, bar, json, none.");
}

Progress::Progress(ProgressMode mode, const std::string& task, std::int64_t frames,
                   std::FILE* stream)
    : mode_(mode), task_(task), stream_(stream), total_(std::max<std::int64_t>(frames, 0)) {
  if (mode_ == ProgressMode::automatic) {
    mode_ = isatty(fileno(stream)) != 0 ? ProgressMode::bar : ProgressMode::none;
  }
  const bool hushed = log::level() == log::Level::quiet || log::level() == log::Level::error;
  if (hushed && mode_ == ProgressMode::bar) mode_ = ProgressMode::none;
  start_ = Clock::now();
  shown_ = start_ - kInterval;
}

Progress::~Progress() {
  if (on_screen_) {
    std::fputs("\r\033[K", stream_);
    std::fflush(stream_);
  }
}

void Progress::set_total(std::int64_t frames) {
  const std::lock_guard<std::mutex> lock(mutex_);
  total_ = std::max<std::int64_t>(frames, 0);
}

void Progress::update(std::int64_t frame, double seconds, std::uint64_t bytes) {
  if (mode_ == ProgressMode::none) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  // Workers may report out of order; the display never runs backwards.
  frame_ = std::max(frame_, frame);
  seconds_ = std::max(seconds_, seconds);
  bytes_ = std::max(bytes_, bytes);
  if (!finished_ && Clock::now() - shown_ >= kInterval) show(false);
}

void Progress::finish() {
  if (mode_ == ProgressMode::none) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (finished_) return;
  finished_ = true;
  show(true);
}

void Progress::show(bool last) {
  shown_ = Clock::now();
  const double elapsed = std::chrono::duration<double>(shown_ - start_).count();
  if (mode_ == ProgressMode::json) {
    show_json(last, elapsed);
  } else {
    show_bar(last, elapsed);
  }
  std::fflush(stream_);
}

void Progress::show_json(bool last, double elapsed) {
  const double fps = elapsed > 0 ? static_cast<double>(frame_) / elapsed : NAN;
  const double kbps =
      bytes_ > 0 && seconds_ > 0 ? static_cast<double>(bytes_) * 8e-3 / seconds_ : NAN;
  const auto left = static_cast<double>(std::max<std::int64_t>(total_ - frame_, 0));
  const double eta = last ? 0 : total_ > 0 && frame_ > 0 ? left / fps : NAN;
  const std::string line =
      std::string("{\"event\":") + (last ? "\"done\"" : "\"progress\"") +
      ",\"task\":" + json_text(task_) + ",\"frame\":" + std::to_string(frame_) +
      ",\"frames\":" + (total_ > 0 ? std::to_string(total_) : "null") +
      ",\"seconds\":" + json_number(seconds_, "%.3f") + ",\"fps\":" + json_number(fps, "%.2f") +
      ",\"kbps\":" + json_number(kbps, "%.3f") + ",\"bytes\":" + std::to_string(bytes_) +
      ",\"elapsed\":" + json_number(elapsed, "%.2f") + ",\"eta\":" + json_number(eta, "%.2f") +
      "}\n";
  std::fputs(line.c_str(), stream_);
}

void Progress::show_bar(bool last, double elapsed) {
  char buffer[160];
  std::string line = task_ + " ";
  const double fps = elapsed > 0 ? static_cast<double>(frame_) / elapsed : 0;
  if (total_ > 0) {
    constexpr int kCells = 24;
    const double share = std::min(1.0, static_cast<double>(frame_) / static_cast<double>(total_));
    const int cells = static_cast<int>(std::lround(share * kCells));
    line += '[';
    line.append(static_cast<std::size_t>(cells), '#');
    line.append(static_cast<std::size_t>(kCells - cells), '.');
    line += "] ";
    std::snprintf(buffer, sizeof buffer, "%3.0f%% %lld/%lld", share * 100,
                  static_cast<long long>(frame_), static_cast<long long>(total_));
  } else {
    std::snprintf(buffer, sizeof buffer, "frame %lld", static_cast<long long>(frame_));
  }
  line += buffer;
  std::snprintf(buffer, sizeof buffer, "  %.1f fps", fps);
  line += buffer;
  if (bytes_ > 0 && seconds_ > 0) {
    line += "  ";
    line += format_bitrate(static_cast<double>(bytes_) * 8 / seconds_);
  }
  if (last) {
    line += "  in ";
    line += format_seconds(elapsed);
  } else if (total_ > frame_ && fps > 0) {
    line += "  ";
    line += format_seconds(static_cast<double>(total_ - frame_) / fps);
    line += " left";
  }
  // A line that wraps could not be rewritten.
  const auto room = static_cast<std::size_t>(std::max(terminal_columns(stream_) - 1, 20));
  if (line.size() > room) line.resize(room);
  std::fprintf(stream_, "\r%s\033[K%s", line.c_str(), last ? "\n" : "\r");
  on_screen_ = !last;
}

}  // namespace semcodec
