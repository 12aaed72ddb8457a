// Fuzzes what libav is given of a stream: intra pictures by codec (first byte 0, 1, 2), base
// pictures (3: units behind their lengths in two bytes), and y4m and other sources from stdin's
// kind of input (4: a file).

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/log.h"
#include "common/media/base_codec.h"
#include "common/media/intra_codec.h"
#include "semcodec/video_reader.h"

namespace {

using Bytes = std::span<const std::uint8_t>;

void intra_picture(Bytes bytes, const char* codec) {
  if (!bytes.empty()) semcodec::decode_intra(bytes, codec, 64, 48);
}

void base_pictures(Bytes bytes) {
  semcodec::BaseDecoder decoder;
  while (bytes.size() >= 2) {
    const std::size_t size = std::min<std::size_t>(bytes[0] << 8 | bytes[1], bytes.size() - 2);
    try {
      if (size > 0) decoder.decode(bytes.subspan(2, size), 64, 32);
    } catch (const semcodec::Error& error) {
      if (error.kind() == semcodec::ErrorKind::internal) std::abort();
    }
    bytes = bytes.subspan(2 + size);
  }
}

void source(Bytes bytes) {
  static const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, 0) != 0 ||
      pwrite(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::abort();
  }
  semcodec::ReaderOptions options;
  options.threads = 1;
  options.width = 32;
  options.height = 32;
  semcodec::VideoReader reader("/proc/self/fd/" + std::to_string(file), options);
  for (int i = 0; i < 4 && reader.next(); ++i) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  semcodec::log::set_level(semcodec::log::Level::quiet);
  if (size < 1 || size > 1 << 20) return 0;
  const Bytes rest(data + 1, size - 1);
  try {
    switch (data[0] % 5) {
      case 0:
        intra_picture(rest, "av1");
        break;
      case 1:
        intra_picture(rest, "hevc");
        break;
      case 2:
        intra_picture(rest, "h264");
        break;
      case 3:
        base_pictures(rest);
        break;
      default:
        source(rest);
        break;
    }
  } catch (const semcodec::Error& error) {
    if (error.kind() == semcodec::ErrorKind::internal) std::abort();
  }
  return 0;
}
