// Fuzzes the reader of a file: index, totals, seeking and scanning for entry points. The last two
// bytes choose where to seek to and whether checks are put right.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "semcodec/stream_reader.h"
#include "tests/fuzz/repair.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace semcodec;
  if (size < 2) return 0;
  const unsigned choice = data[--size], where = data[--size];
  std::vector<std::uint8_t> stream(data, data + size);
  if ((choice & 1) != 0) fuzz::repair_records(stream);
  static const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, 0) != 0 ||
      pwrite(file, stream.data(), stream.size(), 0) != static_cast<ssize_t>(stream.size())) {
    std::abort();
  }
  try {
    StreamReader::Options options;
    options.max_width = options.max_height = 256;
    StreamReader reader("/proc/self/fd/" + std::to_string(file), options);
    if (!reader.seekable()) std::abort();
    reader.totals();
    for (const std::int64_t pts : {std::int64_t{where} * 1001, std::int64_t{0}}) {
      reader.seek(pts);
      const auto item = reader.next();
      if (item && item->frame() != nullptr && !item->frame()->entry_point) std::abort();
    }
    while (reader.next()) {
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) std::abort();
  }
  return 0;
}
