#include "codec/encode/rate_request.h"

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

RateRequest rate_request(const StreamEncoderOptions& options, std::optional<double> target_bits) {
  RateRequest request;
  require(!options.bit_rate || !target_bits, ErrorKind::usage,
          "--bitrate and --target-size contradict each other; give one of them.");
  request.bitrate = options.bit_rate;
  request.target_bits = target_bits;
  request.max_rate = options.max_rate;
  if (request.max_rate && request.bitrate) {
    require(*request.max_rate >= *request.bitrate, ErrorKind::usage,
            "--max-rate " + format_bitrate(*request.max_rate) + " is below --bitrate " +
                format_bitrate(*request.bitrate) + "; the peak cannot be lower than the mean.");
  }
  request.window = options.rate_window;
  require(request.window >= 0.1 && request.window <= 60, ErrorKind::usage,
          "--rate-window should be 0.1 to 60 seconds.");
  return request;
}

void choose_passes(RateRequest& request, int wanted, const std::string& input, bool low_delay) {
  const auto kind = kind_of(input);
  if (wanted == 0) {
    request.passes = request.targeted() && kind == InputKind::file && !low_delay ? 2 : 1;
    return;
  }
  request.passes = wanted;
  if (wanted == 1) return;
  require(request.targeted(), ErrorKind::usage,
          "Two passes need something to aim at; give --bitrate or --target-size.");
  require(
      kind != InputKind::pipe, ErrorKind::usage,
      "Two passes read the video twice, and " + input + " is a pipe; use --passes 1 or a file.");
  require(!low_delay, ErrorKind::usage,
          "Two passes see the whole video first, which --low-delay rules out; use --passes 1.");
}

}  // namespace semcodec
