#include "common/bitstream/audio_record.h"

#include <zstd.h>

#include <algorithm>
#include <string>

#include "common/core/error.h"
#include "semcodec.pb.h"

namespace semcodec {
namespace {

constexpr int kCompressionLevel = 12;

std::int64_t add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t subtract(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

void check(bool ok, const std::string& sentence) {
  require(ok, ErrorKind::corrupt, "An audio record " + sentence + ".");
}

bool ratio_allowed(std::uint64_t plain, std::size_t compressed) {
  return plain <= kFreeAudioBytes + kMaxAudioRatio * compressed;
}

bool time_allowed(std::int64_t time) { return time > -kMaxAudioTime && time < kMaxAudioTime; }

std::string decompress(const std::string& compressed) {
  const unsigned long long size = ZSTD_getFrameContentSize(compressed.data(), compressed.size());
  check(
      size != ZSTD_CONTENTSIZE_ERROR && size != ZSTD_CONTENTSIZE_UNKNOWN && size <= kMaxRecordBytes,
      "does not say a sensible size");
  check(ratio_allowed(size, compressed.size()), "of " + std::to_string(compressed.size()) +
                                                    " bytes expands to " + std::to_string(size) +
                                                    ", more than is allowed");
  std::string plain(static_cast<std::size_t>(size), '\0');
  const std::size_t got =
      ZSTD_decompress(plain.data(), plain.size(), compressed.data(), compressed.size());
  check(ZSTD_isError(got) == 0 && got == plain.size(), "cannot be decompressed");
  return plain;
}

}  // namespace

bool write_audio_record(const AudioBatch& batch, wire::Audio& record) {
  check(batch.size() <= static_cast<std::size_t>(kMaxAudioPacketsPerBatch), "has too many packets");
  wire::AudioPackets packets;
  std::size_t total = 0;
  for (const AudioPacket& packet : batch) total += packet.bytes.size();
  check(total < kMaxRecordBytes / 2, "would exceed 8 MiB; write smaller batches");
  const bool equal_durations = std::all_of(batch.begin(), batch.end(), [&](const AudioPacket& p) {
    return p.duration == batch.front().duration;
  });
  std::int64_t expected = 0;
  for (const AudioPacket& packet : batch) {
    check(packet.duration >= 0, "has a packet of negative duration");
    check(time_allowed(packet.pts) && time_allowed(packet.duration), "has a time out of range");
    if (&packet == &batch.front()) {
      packets.set_first_pts(packet.pts);
    } else {
      packets.add_pts_gaps(subtract(packet.pts, expected));
    }
    expected = add(packet.pts, packet.duration);
    if (!equal_durations || packets.durations_size() == 0) {
      packets.add_durations(static_cast<std::uint64_t>(packet.duration));
    }
    packets.add_sizes(static_cast<std::uint32_t>(packet.bytes.size()));
    packets.mutable_data()->append(packet.bytes.begin(), packet.bytes.end());
  }
  // Gaps are zeros as a rule; none at all says that.
  const auto& gaps = packets.pts_gaps();
  if (std::all_of(gaps.begin(), gaps.end(), [](std::int64_t gap) { return gap == 0; })) {
    packets.clear_pts_gaps();
  }
  const std::string plain = packets.SerializeAsString();
  std::string compressed(ZSTD_compressBound(plain.size()), '\0');
  const std::size_t size = ZSTD_compress(compressed.data(), compressed.size(), plain.data(),
                                         plain.size(), kCompressionLevel);
  if (ZSTD_isError(size) == 0 && size < plain.size()) {
    if (!ratio_allowed(plain.size(), size) && batch.size() > 1) return false;
    if (ratio_allowed(plain.size(), size)) {
      compressed.resize(size);
      record.set_zstd(std::move(compressed));
      return true;
    }
  }
  record.set_packets(plain);
  return true;
}

AudioBatch read_audio_record(const wire::Audio& record) {
  wire::AudioPackets packets;
  const std::string plain =
      record.form_case() == wire::Audio::kZstd ? decompress(record.zstd()) : record.packets();
  check(packets.ParseFromString(plain), "is not readable");
  const auto count = static_cast<std::size_t>(packets.sizes_size());
  const auto gaps = static_cast<std::size_t>(packets.pts_gaps_size());
  const auto durations = static_cast<std::size_t>(packets.durations_size());
  check(count <= static_cast<std::size_t>(kMaxAudioPacketsPerBatch), "has too many packets");
  check(gaps == 0 || gaps + 1 == count, "has the wrong number of times");
  check(count == 0 || durations == 1 || durations == count, "has the wrong number of durations");
  AudioBatch batch(count);
  std::size_t position = 0;
  std::int64_t expected = 0;
  for (std::size_t i = 0; i < count; ++i) {
    AudioPacket& packet = batch[i];
    const std::int64_t gap = i == 0 || gaps == 0 ? 0 : packets.pts_gaps(static_cast<int>(i - 1));
    packet.pts = i == 0 ? packets.first_pts() : add(expected, gap);
    packet.duration =
        static_cast<std::int64_t>(packets.durations(durations == 1 ? 0 : static_cast<int>(i)));
    check(packet.duration >= 0, "has a packet of negative duration");
    check(time_allowed(packet.pts) && time_allowed(packet.duration), "has a time out of range");
    expected = add(packet.pts, packet.duration);
    const std::size_t size = packets.sizes(static_cast<int>(i));
    check(size <= packets.data().size() - position, "has fewer bytes than its packets need");
    const auto begin = packets.data().begin() + static_cast<std::ptrdiff_t>(position);
    packet.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(size));
    position += size;
  }
  return batch;
}

std::uint64_t memory_of(const AudioBatch& batch) {
  constexpr std::uint64_t kAllocation = 16;  // what the allocator keeps beside each packet's bytes
  std::uint64_t bytes = 0;
  for (const AudioPacket& packet : batch) {
    bytes += packet.bytes.size() + sizeof(AudioPacket) + kAllocation;
  }
  return bytes;
}

}  // namespace semcodec
