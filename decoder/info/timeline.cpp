#include "decoder/info/timeline.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace semcodec {

namespace {

double round_length(double seconds, int columns) {
  const double wanted = seconds / columns;
  for (double unit = 0.1; unit < 1e9; unit *= 10) {
    for (const double step : {1.0, 2.0, 5.0}) {
      if (unit * step >= wanted) return unit * step;
    }
  }
  return wanted;
}

std::array<double, 8> bits_of(const TimelineFrame& coded_frame) {
  const double record = 8.0 * static_cast<double>(coded_frame.record_bytes);
  const double intra_picture = 8.0 * static_cast<double>(coded_frame.intra_picture_bytes);
  const double base = 8.0 * static_cast<double>(coded_frame.base_bytes);
  const EncodeStats& p = coded_frame.planes;
  return {cost_bits(p.motion),
          cost_bits(p.palette),
          cost_bits(p.structure),
          cost_bits(p.labels),
          cost_bits(p.texture),
          intra_picture,
          base,
          record - intra_picture - base - cost_bits(p.total())};
}

}  // namespace

Timeline make_timeline(const std::vector<TimelineFrame>& coded_frames, double seconds,
                       int columns) {
  Timeline timeline;
  if (coded_frames.empty() || columns < 1 || !(seconds > 0)) return timeline;
  timeline.seconds_per_column = round_length(seconds, columns);
  const auto count = static_cast<std::size_t>(
      std::max(1.0, std::ceil(seconds / timeline.seconds_per_column - 1e-9)));
  for (const char* name : {"motion", "palette", "structure", "labels", "texture", "intra_picture",
                           "base", "records", "all"}) {
    timeline.parts.emplace_back(name, std::vector<double>(count, 0.0));
  }
  const auto column_at = [&](double at) {
    const double column = std::max(0.0, at / timeline.seconds_per_column + 1e-9);
    return std::min(static_cast<std::size_t>(column), count - 1);
  };
  double before = coded_frames.front().seconds;
  for (const TimelineFrame& coded_frame : coded_frames) {
    const auto bits = bits_of(coded_frame);
    const double length = coded_frame.seconds - before;
    const std::size_t last = column_at(coded_frame.seconds - 1e-6);
    for (std::size_t column = length > 0 ? column_at(before) : last; column <= last; ++column) {
      const double from = static_cast<double>(column) * timeline.seconds_per_column;
      const double to = column == last ? coded_frame.seconds : from + timeline.seconds_per_column;
      const double share = length > 0 ? (to - std::max(from, before)) / length : 1.0;
      for (std::size_t part = 0; part < bits.size(); ++part) {
        timeline.parts[part].second[column] += share * bits[part];
        timeline.parts.back().second[column] += share * bits[part];
      }
    }
    before = coded_frame.seconds;
  }
  std::erase_if(timeline.parts, [](const auto& part) {
    return part.first != "all" &&
           std::none_of(part.second.begin(), part.second.end(), [](double b) { return b > 0; });
  });
  return timeline;
}

std::string draw_timeline(const Timeline& timeline, bool unicode) {
  if (timeline.parts.empty()) return {};
  constexpr std::array<const char*, 9> kBlocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<const char*, 9> kPlain = {" ", "_", ".", "-", "~", "=", "+", "*", "#"};
  const auto& marks = unicode ? kBlocks : kPlain;
  char text[96];
  std::snprintf(text, sizeof text, "\nover time, %g s a column; each line up to its peak\n",
                timeline.seconds_per_column);
  std::string out = text;
  for (const auto& [name, bits] : timeline.parts) {
    const double peak = *std::max_element(bits.begin(), bits.end());
    std::snprintf(text, sizeof text, "%-11s", name.c_str());
    out += text;
    for (const double value : bits) {
      // Any bit shows.
      const double level = peak > 0 && value > 0 ? std::ceil(8 * value / peak) : 0;
      out += marks[static_cast<std::size_t>(std::clamp(level, 0.0, 8.0))];
    }
    std::snprintf(text, sizeof text, " %.2f kbit/s\n", peak / timeline.seconds_per_column / 1000);
    out += text;
  }
  return out;
}

int terminal_columns() {
  if (isatty(STDOUT_FILENO) == 0) return 0;
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string text = value;
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text.find("utf-8") != std::string::npos || text.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace semcodec
