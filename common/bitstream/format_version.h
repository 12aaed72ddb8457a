#pragma once
// The version of the stream format that this build writes, and the newest that it reads.

#include <cstdint>
#include <string_view>

namespace semcodec {

inline constexpr char kMagic[] = "sem";
inline constexpr std::uint32_t kFormatMajor = 3;
/// Of a stream whose base pictures' headers are coded: that of every hybrid one. Of others it is 0.
inline constexpr std::uint32_t kPackedBaseMinor = 1;

/// What a header need not say.
inline constexpr char kUsualProfile[] = "hybrid";
inline constexpr char kUsualModel[] = "default";
/// What stands before an encoder's name that begins with a digit: then it is a version of ours.
inline constexpr std::string_view kUsualEncoder = "semcodec ";

}  // namespace semcodec
