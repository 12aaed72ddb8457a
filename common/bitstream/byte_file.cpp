#include "common/bitstream/byte_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/core/error.h"

namespace semcodec {

// Descriptors rather than stdio: a pipe's bytes must be handed on as they arrive.
ByteFile::ByteFile(const std::string& path) : name_(path == "-" ? "stdin" : path) {
  owned_ = path != "-";
  descriptor_ = owned_ ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  require(descriptor_ >= 0, ErrorKind::input,
          "Cannot open " + path + ": " + std::strerror(errno) + ".");
  struct stat about {};
  if (::fstat(descriptor_, &about) == 0) {
    if (S_ISDIR(about.st_mode)) {
      if (owned_) ::close(descriptor_);
      throw Error(ErrorKind::input, name_ + " is a folder, not a stream.");
    }
    // stdin may be a regular file that is read from its middle: taken as a pipe.
    seekable_ = owned_ && S_ISREG(about.st_mode);
    size_ = static_cast<std::uint64_t>(about.st_size);
  }
}

ByteFile::~ByteFile() {
  if (owned_) ::close(descriptor_);
}

std::size_t ByteFile::read(std::span<std::uint8_t> to) {
  while (true) {
    const ssize_t got = ::read(descriptor_, to.data(), to.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    require(errno == EINTR, ErrorKind::input,
            "Cannot read " + name_ + ": " + std::strerror(errno) + ".");
  }
}

void ByteFile::seek(std::uint64_t offset) {
  require(::lseek(descriptor_, static_cast<off_t>(offset), SEEK_SET) >= 0, ErrorKind::input,
          "Cannot seek in " + name_ + ": " + std::strerror(errno) + ".");
}

std::vector<std::uint8_t> ByteFile::read_at(std::uint64_t offset, std::uint64_t size) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::pread(descriptor_, bytes.data() + have, bytes.size() - have,
                                static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    require(got >= 0, ErrorKind::input, "Cannot read " + name_ + ": " + std::strerror(errno) + ".");
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace semcodec
