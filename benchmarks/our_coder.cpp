#include "benchmarks/our_coder.h"

#include <algorithm>
#include <ctime>

#include "common/core/error.h"

namespace semcodec::bench {
namespace {

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

OurResult run_our_coder(const PlaneSequence& sequence, int repeats) {
  OurResult result;
  for (const SemanticFrame& frame : sequence.frames) {
    result.symbols +=
        2 * frame.motion.dx.size() + frame.structure.values.size() + frame.labels.values.size();
    for (const Plane& plane : frame.texture) result.symbols += plane.values.size();
  }
  std::vector<std::vector<std::uint8_t>> chunks;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    chunks.clear();
    EncodeStats cost;
    FrameEncoder encoder(sequence.coded_width, sequence.coded_height);
    const double start = processor_seconds();
    for (const SemanticFrame& frame : sequence.frames) {
      EncodeStats parts;
      chunks.push_back(encoder.encode(frame, &parts));
      cost += parts;
    }
    const double seconds = processor_seconds() - start;
    if (repeat == 0 || seconds < result.encode_seconds) result.encode_seconds = seconds;
    result.cost = cost;
  }
  for (const auto& chunk : chunks) result.bytes += chunk.size();

  std::vector<SemanticFrame> plane_headers;
  for (const SemanticFrame& frame : sequence.frames)
    plane_headers.push_back(plane_header_of(frame));
  for (int repeat = 0; repeat < repeats; ++repeat) {
    std::vector<SemanticFrame> decoded = plane_headers;
    FrameDecoder decoder(sequence.coded_width, sequence.coded_height);
    const double start = processor_seconds();
    for (std::size_t i = 0; i < chunks.size(); ++i) decoder.decode(chunks[i], decoded[i]);
    const double seconds = processor_seconds() - start;
    if (repeat == 0 || seconds < result.decode_seconds) result.decode_seconds = seconds;
    require(decoded == sequence.frames, ErrorKind::internal,
            "The planes of " + sequence.name + " did not come back as they were.");
  }
  return result;
}

}  // namespace semcodec::bench
