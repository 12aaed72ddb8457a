// Fuzzes audio records: the bytes are an AudioPackets message, or an Audio message, by the first
// one. What is read must stay inside the limits.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/bitstream/record_scanner.h"
#include "common/core/error.h"
#include "semcodec/stream_reader.h"
#include "tests/bitstream/proto_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace semcodec;
  if (size < 1 || size > 1 << 20) return 0;
  test::ProtoBytes header, info, audio;
  header.text(1, "sem").number(2, 3);
  for (const int field : {4, 5, 6, 7}) header.number(field, 64);
  header.number(8, 1).number(9, 25);
  info.text(1, "opus").number(2, 48000).number(3, 1).number(4, 1).number(5, 48000);
  const std::string rest(data + 1, data + size);
  audio.text(1, rest);
  std::vector<std::uint8_t> stream = frame_record(RecordKind::header, header.bytes());
  for (const auto& record :
       {frame_record(RecordKind::audio_info, info.bytes()),
        frame_record(RecordKind::audio, data[0] % 2 == 0 ? audio.bytes() : rest)}) {
    stream.insert(stream.end(), record.begin(), record.end());
  }
  try {
    std::size_t position = 0;
    StreamReader reader(
        [&](std::span<std::uint8_t> to) {
          const std::size_t count = std::min(to.size(), stream.size() - position);
          std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(position), count, to.begin());
          position += count;
          return count;
        },
        "fuzz");
    while (auto item = reader.next()) {
      const AudioBatch* batch = item->audio();
      if (batch == nullptr) continue;
      std::size_t bytes = 0;
      for (const AudioPacket& packet : *batch) {
        bytes += packet.bytes.size();
        if (packet.pts <= -kMaxAudioTime || packet.pts >= kMaxAudioTime || packet.duration < 0) {
          std::abort();
        }
      }
      if (bytes > kFreeAudioBytes + kMaxAudioRatio * size) std::abort();
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) std::abort();
  }
  return 0;
}
