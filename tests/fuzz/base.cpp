// Fuzzes the coder of base pictures' headers: the bytes are a number of units, each preceded by its
// length in two bytes. Any unit comes back as it was; any bytes taken for a packed unit give a unit
// or Error(corrupt).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "common/core/error.h"
#include "common/entropy/base_unit_coder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace semcodec;
  std::span<const std::uint8_t> rest(data, size);
  entropy::BaseUnitCoder packer, unpacker, hostile;
  bool sound = true;
  while (rest.size() > 2) {
    const std::size_t length = std::min<std::size_t>(rest[0] | rest[1] << 8, rest.size() - 2);
    const auto unit = rest.subspan(2, length);
    rest = rest.subspan(2 + length);
    const auto back = unpacker.unpack(packer.pack(unit));
    if (!std::equal(back.begin(), back.end(), unit.begin(), unit.end())) std::abort();
    if (!sound) continue;
    try {
      hostile.unpack(unit);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) std::abort();
      sound = false;
    }
  }
  return 0;
}
