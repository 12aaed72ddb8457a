#include "common/core/npy.h"

#include <bit>
#include <cstring>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/little_endian.h"

namespace semcodec {

static_assert(std::endian::native == std::endian::little, "values are written as they lie");

std::vector<std::uint8_t> encode_npy(std::span<const float> values,
                                     std::span<const std::int64_t> shape) {
  std::string sizes;
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    sizes += std::to_string(size) + ", ";
    count *= size;
  }
  // A Python tuple: "(3, 2)", but "(3,)".
  if (sizes.size() > 1) sizes.resize(sizes.size() - (shape.size() > 1 ? 2 : 1));
  require(std::ssize(values) == count, ErrorKind::internal,
          "An array of " + std::to_string(values.size()) + " numbers was to be written as (" +
              sizes + ").");
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + sizes + "), }";
  // The data begin at a multiple of 64; the header ends with a line feed.
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  std::vector<std::uint8_t> bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  append_little(bytes, header.size(), 2);
  bytes.insert(bytes.end(), header.begin(), header.end());
  const std::size_t begin = bytes.size();
  bytes.resize(begin + values.size_bytes());
  if (!values.empty()) std::memcpy(bytes.data() + begin, values.data(), values.size_bytes());
  return bytes;
}

void write_npy(const std::string& path, std::span<const float> values,
               std::span<const std::int64_t> shape) {
  OutputFile file(path);
  file.write(encode_npy(values, shape));
  file.commit();
}

}  // namespace semcodec
