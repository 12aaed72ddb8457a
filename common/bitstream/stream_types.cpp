#include "semcodec/stream_types.h"

namespace semcodec {

std::vector<std::pair<std::string, double>> shares_of(const StreamStats& s) {
  const auto bits = [](std::uint64_t bytes) { return static_cast<double>(bytes) * 8; };
  const double planes = cost_bits(s.planes.total());
  return {
      {"motion", cost_bits(s.planes.motion)},
      {"palette", cost_bits(s.planes.palette)},
      {"structure", cost_bits(s.planes.structure)},
      {"labels", cost_bits(s.planes.labels)},
      {"texture", cost_bits(s.planes.texture)},
      {"intra_picture", bits(s.intra_picture_bytes)},
      {"base", bits(s.base_bytes)},
      {"records", bits(s.frame_bytes) - bits(s.intra_picture_bytes) - bits(s.base_bytes) - planes},
      {"audio", bits(s.audio_bytes)},
      {"header", bits(s.header_bytes)},
      {"index", bits(s.index_bytes)},
      {"other", bits(s.other_bytes)}};
}

}  // namespace semcodec
