#pragma once
/// @file
/// What a .sem stream carries beside semantic frames, in plain structs.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "semcodec/audio.h"
#include "semcodec/export.h"
#include "semcodec/planes.h"

namespace semcodec {

/// Packets that travel in one record. About one second each is a good size.
using AudioBatch = std::vector<AudioPacket>;

inline constexpr int kMaxAudioPacketsPerBatch = 65536;

/// A record's payload is never longer than this.
inline constexpr std::uint32_t kMaxRecordBytes = 16u << 20;

/// A compressed audio record expands to at most this much plus kMaxAudioRatio x its own bytes.
inline constexpr std::size_t kFreeAudioBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxAudioRatio = 64;

/// Audio times and durations lie inside +-2^61, as those of frames do.
inline constexpr std::int64_t kMaxAudioTime = std::int64_t{1} << 61;

/// Where the bytes of a stream go. The parts sum up to `bytes`.
struct StreamStats {
  std::uint64_t bytes = 0;         ///< whole stream
  std::uint64_t header_bytes = 0;  ///< header records with their framing
  std::uint64_t frame_bytes =
      0;  ///< frame records: coded chunks + key and base pictures + the rest
  std::uint64_t chunk_bytes = 0;          ///< of these, arithmetic-coded planes (see `planes`)
  std::uint64_t intra_picture_bytes = 0;  ///< of these, intra pictures
  std::uint64_t base_bytes = 0;           ///< of these, base pictures
  std::uint64_t audio_bytes = 0;          ///< audio records and their info
  std::uint64_t index_bytes = 0;          ///< index and end records
  std::uint64_t other_bytes = 0;          ///< unknown record kinds; when reading also damaged bytes
  std::uint64_t coded_frames = 0;         ///< frame records
  std::uint64_t frames = 0;               ///< coded frames + frames between them
  std::uint64_t entry_points = 0;
  std::uint64_t intra_pictures = 0;  ///< intra pictures
  std::uint64_t base_pictures = 0;
  std::uint64_t audio_packets = 0;
  EncodeStats planes;  ///< chunk_bytes by modality, in 1/256 bit
};

/// Names and sizes in bits of everything the bytes were spent on, in the order of tables; they sum
/// up to the stream. The coded planes' shares are ideal code lengths; "records" is what is left of
/// the frame records.
SEMCODEC_API std::vector<std::pair<std::string, double>> shares_of(const StreamStats& stats);

}  // namespace semcodec
