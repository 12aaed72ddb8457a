#pragma once
// Base pictures on the wire: AV1 temporal units whose headers are coded (av1_header_coder.h).
//
//   packed = arithmetic-coded part · bytes of the frames behind their headers, one after the other
//
// The arithmetic-coded part says first whether the unit is stored as it is (then it follows whole),
// then for each OBU its kind, its header and, but for the last frame, how many bytes follow it. It
// ends where a picture is shown. It tells its own length (BinaryCoder::finish_delimited()), and OBU
// headers and sizes are left out. A unit comes back to the byte.

#include <cstdint>
#include <span>
#include <vector>

#include "common/entropy/av1_header_coder.h"

namespace semcodec::entropy {

/// One direction: either pack() or unpack(). What is learnt carries over from unit to unit.
class BaseUnitCoder {
 public:
  /// As at an entry point: primed with headers of other videos.
  BaseUnitCoder();

  /// At an entry point: forgets the units before.
  void restart();

  /// `unit`: without its temporal delimiter. Any bytes can be packed.
  std::vector<std::uint8_t> pack(std::span<const std::uint8_t> unit);
  /// Throws Error(corrupt) when the bytes cannot have come from pack().
  std::vector<std::uint8_t> unpack(std::span<const std::uint8_t> packed);

 private:
  Av1HeaderCoder headers_;
};

/// common/entropy/base_pretrained.bin: the number of its units in two bytes, low one first, then
/// one arithmetic-coded chunk of their headers, a bit (p = 32768) before each that says whether a
/// video begins.
std::span<const std::uint8_t> built_in_base_priming();

using BaseUnits = std::vector<std::vector<std::uint8_t>>;

/// Such data from the first units of some videos, each from its key frame on. Throws
/// Error(input) when a unit is not covered.
std::vector<std::uint8_t> make_base_priming(const std::vector<BaseUnits>& videos);

}  // namespace semcodec::entropy
