#include "training/flow/raw_frames.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "common/core/error.h"

namespace semcodec {
namespace {

struct Mapping {
  explicit Mapping(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    require(file >= 0, ErrorKind::input, "Cannot open " + path + "; check the path.");
    struct stat info {};
    if (::fstat(file, &info) == 0 && info.st_size > 0) {
      size = static_cast<std::size_t>(info.st_size);
      void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
      if (mapped != MAP_FAILED) data = static_cast<const std::uint8_t*>(mapped);
    }
    ::close(file);
    require(data != nullptr, ErrorKind::input, "Cannot map " + path + " into memory.");
  }
  ~Mapping() { ::munmap(const_cast<std::uint8_t*>(data), size); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
};

struct Frames {
  std::shared_ptr<Mapping> mapping;
  const std::uint8_t* pixels = nullptr;
  std::size_t count = 0;
  int width = 0, height = 0;
};

Frames parse(const std::string& path) {
  Frames frames{std::make_shared<Mapping>(path)};
  const auto& m = *frames.mapping;
  const std::string wrong = path + " is not an .npy array of uint8 N x H x W x 3; make it again.";
  require(m.size > 10 && std::memcmp(m.data, "\x93NUMPY\x01", 7) == 0, ErrorKind::corrupt, wrong);
  const std::size_t header_size = m.data[8] + 256U * m.data[9];
  require(m.size >= 10 + header_size, ErrorKind::corrupt, wrong);
  const std::string header(reinterpret_cast<const char*>(m.data + 10), header_size);
  const auto shape = header.find("'shape': (");
  require(header.find("'|u1'") != std::string::npos && shape != std::string::npos &&
              header.find("'fortran_order': False") != std::string::npos,
          ErrorKind::corrupt, wrong);
  long n = 0, h = 0, w = 0, c = 0;
  const int read =
      std::sscanf(header.c_str() + shape, "'shape': (%ld, %ld, %ld, %ld)", &n, &h, &w, &c);
  require(
      read == 4 && n > 0 && h > 0 && w > 0 && c == 3 && h < 65536 && w < 65536 && n < (1L << 28),
      ErrorKind::corrupt, wrong);
  frames.count = static_cast<std::size_t>(n);
  frames.width = static_cast<int>(w);
  frames.height = static_cast<int>(h);
  frames.pixels = m.data + 10 + header_size;
  require(m.size - 10 - header_size ==
              frames.count * static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * 3,
          ErrorKind::corrupt, wrong);
  return frames;
}

RgbImage reduced(const std::uint8_t* pixels, int width, int height, int reduction) {
  RgbImage image(width / reduction, height / reduction);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        int sum = reduction * reduction / 2;
        for (int j = 0; j < reduction; ++j)
          for (int i = 0; i < reduction; ++i)
            sum += pixels[(static_cast<std::size_t>(y * reduction + j) *
                               static_cast<std::size_t>(width) +
                           static_cast<std::size_t>(x * reduction + i)) *
                              3 +
                          static_cast<std::size_t>(c)];
        image.row(y)[3 * x + c] = static_cast<std::uint8_t>(sum / (reduction * reduction));
      }
    }
  }
  return image;
}

}  // namespace

ImageSource open_raw_frames(const std::string& path, int reduction) {
  require(reduction == 1 || reduction == 2, ErrorKind::usage, "Frames are reduced by 1 or 2.");
  return [frames = parse(path), reduction](std::mt19937_64& random) {
    const auto pick = std::uniform_int_distribution<std::size_t>(0, frames.count - 1)(random);
    const std::size_t size =
        static_cast<std::size_t>(frames.width) * static_cast<std::size_t>(frames.height) * 3;
    return reduced(frames.pixels + pick * size, frames.width, frames.height, reduction);
  };
}

}  // namespace semcodec
