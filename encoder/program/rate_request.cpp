#include "encoder/program/rate_request.h"

#include <filesystem>

#include "common/app/units.h"
#include "common/core/error.h"

namespace semcodec {

namespace {

enum class InputKind { file, pipe, other };

/// Other: what only libav can tell, as addresses and patterns of picture files.
InputKind kind_of(const std::string& input) {
  if (input == "-") return InputKind::pipe;
  std::error_code code;
  const auto status = std::filesystem::status(input, code);
  if (!std::filesystem::exists(status)) return InputKind::other;
  return std::filesystem::is_regular_file(status) ? InputKind::file : InputKind::pipe;
}

}  // namespace

RateRequest parse_rate_request(const RateTexts& texts, const std::string& input, bool live) {
  RateRequest request;
  require(texts.bitrate.empty() || texts.target_size.empty(), ErrorKind::usage,
          "--bitrate and --target-size contradict each other; give one of them.");
  if (!texts.bitrate.empty()) request.bitrate = static_cast<double>(parse_bitrate(texts.bitrate));
  if (!texts.target_size.empty()) {
    request.target_bits = 8.0 * static_cast<double>(parse_bytes(texts.target_size));
  }
  if (!texts.max_rate.empty()) {
    request.max_rate = static_cast<double>(parse_bitrate(texts.max_rate));
    require(!request.bitrate || *request.max_rate >= *request.bitrate, ErrorKind::usage,
            "--max-rate " + texts.max_rate + " is below --bitrate " + texts.bitrate +
                "; the peak cannot be lower than the mean.");
  }
  request.window = parse_seconds(texts.window);
  require(request.window >= 0.1 && request.window <= 60, ErrorKind::usage,
          "--rate-window should be 0.1 to 60 seconds, not " + texts.window + ".");

  const auto kind = kind_of(input);
  if (texts.passes == 0) {
    request.passes = request.targeted() && kind == InputKind::file && !live ? 2 : 1;
    return request;
  }
  request.passes = texts.passes;
  if (texts.passes == 1) return request;
  require(request.targeted(), ErrorKind::usage,
          "Two passes need something to aim at; give --bitrate or --target-size.");
  require(
      kind != InputKind::pipe, ErrorKind::usage,
      "Two passes read the video twice, and " + input + " is a pipe; use --passes 1 or a file.");
  require(!live, ErrorKind::usage,
          "Two passes see the whole video first, which --low-delay rules out; use --passes 1.");
  return request;
}

}  // namespace semcodec
