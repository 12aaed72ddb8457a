// Fuzzes the whole reader: framing, records, planes. The bytes are a stream; bits of their last
// byte choose strictness, the size of the pieces they arrive in, and whether the CRCs are put right
// first, without which no change would ever get past them.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "common/bitstream/record_scanner.h"
#include "common/core/error.h"
#include "semcodec/stream_reader.h"

namespace {

// Gives the right CRC to every record of a run of records.
void put_right(std::vector<std::uint8_t>& stream) {
  std::size_t at = 0;
  while (true) {
    const std::span<std::uint8_t> bytes = std::span(stream).subspan(at);
    const semcodec::RecordExtent extent = semcodec::record_extent(bytes);
    if (extent.state != semcodec::RecordExtent::State::whole) return;
    const std::size_t end = extent.payload_begin + extent.payload_size;
    const std::uint32_t crc = semcodec::record_check(bytes.subspan(1, end - 1));
    for (std::size_t i = 0; i < semcodec::kCheckBytes; ++i) {
      bytes[end + i] = static_cast<std::uint8_t>(crc >> (8 * i));
    }
    at += extent.total;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace semcodec;
  const unsigned choice = size > 0 ? data[size - 1] : 0;
  StreamReader::Options options;
  options.strict = (choice & 1) != 0;
  options.max_dimension = 512;  // keeps runs short
  const std::size_t piece = (choice & 2) != 0 ? 13 : 65536;
  std::vector<std::uint8_t> stream(data, data + size);
  if ((choice & 4) != 0) put_right(stream);
  std::size_t position = 0;
  const auto source = [&](std::span<std::uint8_t> to) {
    const std::size_t count = std::min({piece, to.size(), size - position});
    if (count > 0) std::memcpy(to.data(), stream.data() + position, count);
    position += count;
    return count;
  };
  try {
    StreamReader reader(source, "fuzz", options);
    while (auto item = reader.next()) {
      if (const SemanticFrame* frame = item->frame()) validate(*frame);
    }
    if (reader.status() == StreamStatus::reading) std::abort();
    const StreamStats& s = reader.stats();
    if (s.bytes > size ||
        s.header_bytes + s.frame_bytes + s.audio_bytes + s.index_bytes + s.other_bytes != s.bytes) {
      std::abort();
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) std::abort();
  }
  return 0;
}
