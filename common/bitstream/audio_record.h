#pragma once
// Audio packets <-> wire::Audio: timing by differences, compressed when that is smaller.

#include "semcodec/stream_types.h"

namespace semcodec {

namespace wire {
class Audio;
}

/// Throws Error(corrupt) when the batch breaks a limit (packets, bytes, negative duration).
void write_audio_record(const AudioBatch& batch, wire::Audio& record);
/// Throws Error(corrupt) when the record is damaged.
AudioBatch read_audio_record(const wire::Audio& record);

}  // namespace semcodec
