#include "common/app/units.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string_view>

#include "common/core/error.h"

namespace semcodec {
namespace {

[[noreturn]] void refuse(const std::string& text, const std::string& what) {
  throw Error(ErrorKind::usage, "\"" + text + "\" is not " + what + ".");
}

/// Reads a plain decimal number (no sign, no exponent) and takes it off the front.
std::optional<double> take_number(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() &&
         (std::isdigit(static_cast<unsigned char>(text[length])) != 0 || text[length] == '.')) {
    ++length;
  }
  double value = 0;
  const char* end = text.data() + length;
  const auto result = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (length == 0 || result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  return value;
}

/// A number, k, M or G (steps of 1000), and perhaps one of the units.
std::int64_t parse_amount(const std::string& text, const std::string& what,
                          std::initializer_list<std::string_view> units) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number) refuse(text, what);
  double factor = 1;
  if (rest.size() > 1 && rest.front() == ' ') rest.remove_prefix(1);
  if (!rest.empty()) {
    const std::size_t step = std::string_view("kmg").find(
        static_cast<char>(std::tolower(static_cast<unsigned char>(rest.front()))));
    if (step != std::string_view::npos) {
      factor = std::array{1e3, 1e6, 1e9}[step];
      rest.remove_prefix(1);
    }
  }
  if (!rest.empty() && std::find(units.begin(), units.end(), rest) == units.end()) {
    refuse(text, what);
  }
  const double value = std::round(*number * factor);
  if (!(value >= 1 && value <= 1e15)) refuse(text, what);
  return static_cast<std::int64_t>(value);
}

std::string with_decimals(double value, int decimals, const char* unit) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f %s", decimals, value, unit);
  return buffer;
}

}  // namespace

std::int64_t parse_bitrate(const std::string& text) {
  return parse_amount(text, "a bit rate such as 8k, 1.5M or 9600", {"bit/s", "bps", "b/s"});
}

std::int64_t parse_bytes(const std::string& text) {
  return parse_amount(text, "a size in bytes such as 500K, 1.5M or 9600", {"B", "bytes"});
}

PictureSize parse_size(const std::string& text) {
  const std::size_t cross = text.find_first_of("xX");
  if (cross != std::string::npos) {
    const auto width = whole_number(std::string_view(text).substr(0, cross));
    const auto height = whole_number(std::string_view(text).substr(cross + 1));
    const auto fits = [](std::optional<int> n) { return n && *n >= 1 && *n <= 16384; };
    if (fits(width) && fits(height)) return {*width, *height};
  }
  refuse(text, "a picture size WxH of 1 to 16384 pixels each, such as 448x256");
}

double parse_seconds(const std::string& text) {
  const char* what = "a time such as 12.5, 300ms, 2m or 1:02:03";
  std::string_view rest = text;
  const auto first = take_number(rest);
  if (!first) refuse(text, what);
  double seconds = *first;
  if (rest.empty() || rest == "s") return seconds;
  if (rest == "ms") return seconds / 1000;
  if (rest == "m") return seconds * 60;
  if (rest == "h") return seconds * 3600;
  for (int fields = 1; !rest.empty(); ++fields) {
    if (fields == 3 || rest.front() != ':') refuse(text, what);
    rest.remove_prefix(1);
    // Only the last field may be broken, and the fields behind a colon stay below 60.
    const bool whole = seconds == std::floor(seconds);
    const auto field = take_number(rest);
    if (!field || *field >= 60 || !whole) refuse(text, what);
    seconds = seconds * 60 + *field;
  }
  return seconds;
}

Rational parse_rate(const std::string& text) {
  const char* what = "a frame rate such as 25, 29.97 or 30000/1001";
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos) {
    const auto num = whole_number(std::string_view(text).substr(0, slash));
    const auto den = whole_number(std::string_view(text).substr(slash + 1));
    if (!num || !den || *num <= 0 || *den <= 0) refuse(text, what);
    return {*num, *den};
  }
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number || !rest.empty() || !(*number >= 0.001 && *number <= 100000)) refuse(text, what);
  const double whole = std::round(*number);
  if (std::abs(*number - whole) < 1e-9) return {static_cast<int>(whole), 1};
  // The television rates are meant exactly, however many digits were typed.
  for (const int rate : {24, 30, 48, 60, 120}) {
    if (std::abs(*number - rate / 1.001) < 0.006) return {rate * 1000, 1001};
  }
  return {static_cast<int>(std::round(*number * 1000)), 1000};
}

std::string format_bitrate(double bits_per_second) {
  if (bits_per_second < 1000) return with_decimals(bits_per_second, 0, "bit/s");
  if (bits_per_second < 1e6) return with_decimals(bits_per_second / 1e3, 1, "kbit/s");
  return with_decimals(bits_per_second / 1e6, 2, "Mbit/s");
}

std::string format_seconds(double seconds) {
  const double bounded = std::isfinite(seconds) ? std::clamp(seconds, 0.0, 3.6e9) : 0.0;
  const auto total = static_cast<long long>(std::llround(bounded));
  char buffer[64];
  if (total < 3600) {
    std::snprintf(buffer, sizeof buffer, "%lld:%02lld", total / 60, total % 60);
  } else {
    std::snprintf(buffer, sizeof buffer, "%lld:%02lld:%02lld", total / 3600, total / 60 % 60,
                  total % 60);
  }
  return buffer;
}

std::string format_bytes(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1000) return std::to_string(bytes) + " B";
  if (bytes < 1000000) return with_decimals(value / 1e3, 1, "kB");
  if (bytes < 1000000000) return with_decimals(value / 1e6, 1, "MB");
  return with_decimals(value / 1e9, 2, "GB");
}

}  // namespace semcodec
