// Fuzzes the whole reader: framing, records, planes. The bytes are a stream; bits of their last
// byte choose strictness, the size of the pieces they arrive in, and whether the CRCs are put right
// first, without which no change would ever get past them.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "common/core/error.h"
#include "semcodec/stream_reader.h"
#include "tests/fuzz/repair.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace semcodec;
  const unsigned choice = size > 0 ? data[size - 1] : 0;
  StreamReader::Options options;
  options.strict = (choice & 1) != 0;
  options.max_width = options.max_height = 512;  // keeps runs short
  const std::size_t piece = (choice & 2) != 0 ? 13 : 65536;
  std::vector<std::uint8_t> stream(data, data + size);
  if ((choice & 4) != 0) fuzz::repair_records(stream);
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
