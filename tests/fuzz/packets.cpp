// Fuzzes the receiver of packets: the bytes are packets behind their lengths (one byte each, so
// that changes stay near each other), the last byte chooses whether checks are put right. What
// comes out goes to the stream reader.

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "common/core/error.h"
#include "common/packets/packet_receiver.h"
#include "semcodec/stream_reader.h"
#include "tests/fuzz/repair.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace semcodec;
  if (size == 0) return 0;
  const unsigned choice = data[--size];
  ReceiverOptions receiving;
  receiving.max_waiting = 1 << 20;
  receiving.patience = (choice & 2) != 0 ? 0.05 : 0;
  PacketReceiver receiver(receiving);
  std::vector<std::uint8_t> stream;
  const auto collect = [&] {
    const auto more = receiver.take();
    stream.insert(stream.end(), more.begin(), more.end());
  };
  double now = 0;
  for (std::size_t at = 0; at < size && !receiver.ended();) {
    const std::size_t length = std::min<std::size_t>(data[at], size - at - 1);
    std::vector<std::uint8_t> packet(data + at + 1, data + at + 1 + length);
    if ((choice & 1) != 0) fuzz::repair_packet(packet);
    receiver.push(packet, now += 0.01);
    collect();
    at += 1 + length;
  }
  receiver.finish();
  collect();
  const ReceiverStats& stats = receiver.stats();
  if (stats.received < stats.parities) std::abort();
  try {
    std::size_t position = 0;
    StreamReader::Options options;
    options.max_width = options.max_height = 256;
    StreamReader reader(
        [&](std::span<std::uint8_t> to) {
          const std::size_t count = std::min(to.size(), stream.size() - position);
          std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(position), count, to.begin());
          position += count;
          return count;
        },
        "fuzz", options);
    while (auto item = reader.next()) {
      if (const SemanticFrame* frame = item->frame()) validate(*frame);
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) std::abort();
  }
  return 0;
}
