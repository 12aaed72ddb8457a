#pragma once
// What the command line asks of the rate, checked.

#include <optional>
#include <string>

namespace semcodec {

struct RateTexts {
  std::string bitrate, target_size, max_rate, window = "2s";
  int passes = 0;  ///< 0 = not said
};

struct RateRequest {
  std::optional<double> bitrate;      ///< bit/s of everything but copied audio
  std::optional<double> target_bits;  ///< of the whole file
  std::optional<double> max_rate;     ///< bit/s
  double window = 2;                  ///< seconds that max_rate may be exceeded by saving up
  int passes = 1;

  bool targeted() const { return bitrate || target_bits; }
};

/// `live`: low delay was asked for. Decides the number of passes when that was not said. Throws
/// Error(usage) for what contradicts itself or the kind of input.
RateRequest parse_rate_request(const RateTexts& texts, const std::string& input, bool live);

}  // namespace semcodec
