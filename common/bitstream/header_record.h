#pragma once
// What Header and AudioInfo records say, checked.

#include <string>

#include "semcodec/stream_types.h"

namespace semcodec {

namespace wire {
class AudioInfo;
class Header;
}  // namespace wire

/// `name` is the stream's in sentences. Throws Error(input) when it is no semcodec stream,
/// Error(unsupported) for another version of the format, Error(corrupt) when a field is out of
/// range.
StreamInfo read_header(const wire::Header& header, const std::string& name);

/// Throws Error(corrupt) when a field is out of range.
AudioInfo read_audio_info(const wire::AudioInfo& in);

}  // namespace semcodec
