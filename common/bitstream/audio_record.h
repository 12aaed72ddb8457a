#pragma once
// Audio packets <-> wire::Audio: timing by differences, compressed when that is smaller.

#include "semcodec/stream_types.h"

namespace semcodec {

namespace wire {
class Audio;
}

/// False, and nothing written, when the batch compresses so well that no reader would take it
/// (kMaxAudioRatio): write it in halves. Throws Error(corrupt) when the batch breaks a limit
/// (packets, bytes, times).
bool write_audio_record(const AudioBatch& batch, wire::Audio& record);
/// Throws Error(corrupt) when the record is damaged.
AudioBatch read_audio_record(const wire::Audio& record);
/// What a batch takes in memory, bytes.
std::uint64_t memory_of(const AudioBatch& batch);

}  // namespace semcodec
