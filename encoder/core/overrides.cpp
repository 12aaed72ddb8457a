// Operating points changed by hand.

#include <charconv>
#include <sstream>

#include "common/core/error.h"
#include "encoder/core/settings.h"

namespace semcodec {

namespace {

template <typename Number>
Number number(const std::string& text, const std::string& part, Number least, Number most) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(
      code == std::errc{} && end == text.data() + text.size() && value >= least && value <= most,
      ErrorKind::usage,
      "'" + part + "' should have a number from " + std::to_string(least) + " to " +
          std::to_string(most) + ".");
  return value;
}

}  // namespace

PointOverrides parse_overrides(const std::string& text) {
  PointOverrides out;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const auto equals = part.find('=');
    const std::string key = part.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
    const auto cross = value.find('x');
    const std::string first = value.substr(0, cross);
    const std::string second = cross == std::string::npos ? "" : value.substr(cross + 1);
    if (key == "colour") {
      out.colour_cell = number(first, part, 1, 64);
      if (!second.empty()) out.clusters = number(second, part, 2, 256);
    } else if (key == "edges") {
      out.edge_cell = number(first, part, 1, 64);
      if (!second.empty()) out.edge_levels = number(second, part, 2, 8);
    } else if (key == "texture") {
      out.texture_channels = number(value, part, 0, kMaxTextureChannels);
    } else if (key == "key") {
      out.key_quality = number(value, part, -1, 100);
    } else if (key == "motion") {
      out.motion_cell = number(value, part, 4, 64);
    } else if (key == "hold") {
      out.palette_hold = number(value, part, 0, 255);
    } else if (key == "line") {
      out.line_length = number(value, part, 0, 1000);
    } else if (key == "smooth") {
      out.smoothing = number(value, part, 0.0, 10000.0);
    } else if (key == "lambda") {
      out.motion_lambda = number(value, part, 0.0, 1000.0);
    } else if (key == "lines") {
      out.line_lambda = number(value, part, 0.0, 10.0);
    } else if (key == "base") {
      out.base_scale = number(value, part, 0.0625, 1.0);
    } else if (key == "quantiser") {
      out.quantiser = number(value, part, 0.0, 63.0);
    } else if (key == "interval") {
      out.interval = number(value, part, 0.0, 10.0);
    } else {
      throw Error(
          ErrorKind::usage,
          "'" + part +
              "' is no part of an operating point; known are colour, "
              "edges, texture, key, motion, interval, base, quantiser, smooth, hold, line, lambda "
              "and lines.");
    }
  }
  return out;
}

void PointOverrides::apply(OperatingPoint& point) const {
  const auto set = [](const auto& from, auto& to) {
    if (from) to = *from;
  };
  set(colour_cell, point.colour.cell);
  set(clusters, point.colour.clusters);
  set(edge_cell, point.structure.cell);
  set(edge_levels, point.structure.levels);
  set(texture_channels, point.texture_channels);
  set(key_quality, point.key_quality);
  if (key_quality) point.choose_key = false;
  set(motion_cell, point.motion.cell);
  set(interval, point.interval);
  if (smoothing) point.colour.smoothing = static_cast<float>(*smoothing);
  set(palette_hold, point.colour.palette_hold);
  set(line_length, point.structure.min_length);
  if (line_lambda) point.structure.lambda = static_cast<float>(*line_lambda);
  if (motion_lambda) point.motion.lambda = static_cast<float>(*motion_lambda);
}

}  // namespace semcodec
