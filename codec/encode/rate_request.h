#pragma once
// What is asked of the rate, checked.

#include <optional>
#include <string>

#include "semcodec/encoder.h"

namespace semcodec {

struct RateRequest {
  std::optional<double> bitrate;      ///< bit/s of everything but copied audio
  std::optional<double> target_bits;  ///< of the whole file
  std::optional<double> max_rate;     ///< bit/s
  double window = 2;                  ///< seconds that max_rate may be exceeded by saving up
  int passes = 1;

  bool targeted() const { return bitrate || target_bits; }
  /// Bits that `seconds` of video may take; targeted() holds.
  double bits(double seconds) const { return target_bits ? *target_bits : *bitrate * seconds; }
};

/// Of one pass. Throws Error(usage) for what contradicts itself.
RateRequest rate_request(const StreamEncoderOptions& options, std::optional<double> target_bits);

/// Decides the number of passes, where `wanted` is 0. Throws Error(usage) for what the kind of
/// input rules out.
void choose_passes(RateRequest& request, int wanted, const std::string& input, bool low_delay);

}  // namespace semcodec
