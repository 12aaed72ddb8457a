#pragma once
// AudioInfo to and from libav's codec parameters. Private to this folder.

#include "common/media/av_handles.h"

namespace semcodec::av {

AudioInfo to_info(const AVCodecParameters& parameters, AVRational time_base);

/// Throws Error(corrupt) when a field is out of range, Error(unsupported) for a codec that this
/// build of libav does not know.
Parameters to_parameters(const AudioInfo& info);

/// Refcounted, padded copy of the bytes; dts = pts.
Packet to_packet(const AudioPacket& packet);

}  // namespace semcodec::av
