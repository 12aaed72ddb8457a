// Fuzzes the plane decoder alone: the first bytes choose sizes and levels, the rest is the chunk of
// an entry point and then of a frame after it. What decodes is encoded and decoded again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "common/core/error.h"
#include "common/entropy/frame_coder.h"

namespace {

using semcodec::SemanticFrame;

void outline(SemanticFrame& frame, const std::uint8_t* head, bool entry_point) {
  frame = {};
  frame.entry_point = entry_point;
  frame.pts = entry_point ? 0 : 1;
  if (!entry_point) frame.motion.width = frame.motion.height = 1 + head[0] % 8;
  frame.structure = {head[1] % 16, 1 + head[2] % 16, 2 + head[3] % 255, {}};
  frame.labels = {head[4] % 10, 1 + head[5] % 10, 2 + head[6] % 255, {}};
  if (frame.labels.width == 0) frame.labels = {};
  if (frame.structure.width == 0) frame.structure = {};
  frame.texture.assign(head[7] % 4u, {1 + head[8] % 6, 1 + head[9] % 6, 2 + head[9] % 255, {}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace semcodec;
  constexpr std::size_t kHead = 10;
  if (size < kHead) return 0;
  std::vector<std::uint8_t> chunk(data + kHead, data + size);
  FrameDecoder decoder(96, 64);
  FrameEncoder encoder(96, 64);
  FrameDecoder again(96, 64);
  try {
    for (const bool entry_point : {true, false}) {
      SemanticFrame frame;
      outline(frame, data, entry_point);
      decoder.decode(chunk, frame);
      // The next frame's counter, so that the same bytes go on.
      if (!chunk.empty()) chunk[0] = static_cast<std::uint8_t>(chunk[0] - 16);
      validate(frame);
      const auto bytes = encoder.encode(frame);
      SemanticFrame copy;
      outline(copy, data, entry_point);
      again.decode(bytes, copy);
      if (!(copy == frame)) std::abort();
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) std::abort();
  }
  return 0;
}
