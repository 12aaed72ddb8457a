#pragma once
// AudioInfo to and from libav's codec parameters. Private to this folder.

#include "common/media/av_handles.h"

namespace semcodec::av {

AudioInfo to_info(const AVCodecParameters& parameters, AVRational time_base);

/// Whether streams may carry audio of this codec: Opus, AAC, MP3, AC-3, FLAC, Vorbis, linear PCM.
/// libav has decoders for some 200 more, to which nobody's stream should lead.
bool is_carried(AVCodecID codec);

/// Throws Error(corrupt) when a field is out of range, Error(unsupported) for a codec that is not
/// carried, or that this build of libav does not know.
Parameters to_parameters(const AudioInfo& info);

/// Refcounted, padded copy of the bytes; dts = pts.
Packet to_packet(const AudioPacket& packet);

}  // namespace semcodec::av
