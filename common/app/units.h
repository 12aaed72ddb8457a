#pragma once
// Numbers with units on the command line. Every parse_ function throws Error(usage) with a sentence
// that quotes the text and shows an example of what is meant.

#include <cstdint>
#include <string>

#include "semcodec/units.h"

namespace semcodec {

/// "8k" = 8000, "1.5M" = 1500000, "500K", "9600", "2G"; also with "bit/s", "bps" or "b/s" behind.
/// Steps of 1000. At least 1.
std::int64_t parse_bitrate(const std::string& text);

/// "500K" = 500000, "1.5MB", "2 GB", "9600": bytes, in steps of 1000. At least 1.
std::int64_t parse_bytes(const std::string& text);

/// "WxH" with 1 … 16384 each: "448x256".
PictureSize parse_size(const std::string& text);

/// "12.5", "12.5s", "300ms", "2m", "1h", "1:02.5" (minutes:seconds), "1:02:03": seconds, ≥ 0.
double parse_seconds(const std::string& text);

/// "30", "29.97" (taken as 30000/1001, as are 23.976 and 59.94), "30000/1001": frames a second, >
/// 0.
Rational parse_rate(const std::string& text);

/// "8.0 kbit/s", "1.50 Mbit/s", "420 bit/s".
std::string format_bitrate(double bits_per_second);
/// "0:07", "12:34", "1:02:03".
std::string format_seconds(double seconds);
/// "812 B", "1.4 kB", "3.2 MB" (steps of 1000).
std::string format_bytes(std::uint64_t bytes);

}  // namespace semcodec
