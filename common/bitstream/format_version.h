#pragma once
// The version of the stream format that this build writes, and the newest that it reads.

#include <cstdint>

namespace semcodec {

inline constexpr char kMagic[] = "semcodec";
inline constexpr std::uint32_t kFormatMajor = 1;
inline constexpr std::uint32_t kFormatMinor = 0;

}  // namespace semcodec
