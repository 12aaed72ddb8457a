#include "training/frame_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/core/error.h"
#include "common/core/little_endian.h"

namespace semcodec {

namespace {

constexpr std::size_t kHeaderBytes = 64;
constexpr char kMagic[] = "SEMFRAME";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kMaxDimension = 16384;

std::array<std::uint8_t, kHeaderBytes> pack(const FrameStoreHeader& header, std::uint64_t frames) {
  std::array<std::uint8_t, kHeaderBytes> bytes{};
  std::memcpy(bytes.data(), kMagic, 8);
  put_little(&bytes[8], kVersion, 4);
  put_little(&bytes[12], static_cast<std::uint64_t>(header.width), 4);
  put_little(&bytes[16], static_cast<std::uint64_t>(header.height), 4);
  put_little(&bytes[20], static_cast<std::uint64_t>(header.channels), 4);
  put_little(&bytes[24], frames, 8);
  put_little(&bytes[32], header.rate_num, 4);
  put_little(&bytes[36], header.rate_den, 4);
  return bytes;
}

}  // namespace

FrameStore::FrameStore(const std::string& path) : path_(path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require(file >= 0, ErrorKind::input,
          "Cannot open frame store " + path + ": " + std::strerror(errno) + ".");
  struct stat info {};
  std::uint8_t bytes[kHeaderBytes] = {};
  const bool readable =
      ::fstat(file, &info) == 0 && ::read(file, bytes, kHeaderBytes) == ssize_t{kHeaderBytes};
  const auto sound = [&] {
    if (!readable || std::memcmp(bytes, kMagic, 8) != 0 || get_little(&bytes[8], 4) != kVersion) {
      return false;
    }
    const auto width = get_little(&bytes[12], 4), height = get_little(&bytes[16], 4),
               channels = get_little(&bytes[20], 4);
    if (width == 0 || width > kMaxDimension || height == 0 || height > kMaxDimension ||
        (channels != 1 && channels != 3) || get_little(&bytes[36], 4) == 0) {
      return false;
    }
    header_ = {static_cast<int>(width),
               static_cast<int>(height),
               static_cast<int>(channels),
               get_little(&bytes[24], 8),
               static_cast<std::uint32_t>(get_little(&bytes[32], 4)),
               static_cast<std::uint32_t>(get_little(&bytes[36], 4))};
    const auto size = static_cast<std::uint64_t>(info.st_size);
    return header_.frames > 0 && header_.frames <= size / header_.frame_bytes() &&
           kHeaderBytes + header_.frames * header_.frame_bytes() == size;
  };
  if (!sound()) {
    ::close(file);
    throw Error(ErrorKind::input,
                path + " is no complete frame store; make it again with `semcodec-train prepare`.");
  }
  mapped_ = static_cast<std::size_t>(info.st_size);
  mapping_ = ::mmap(nullptr, mapped_, PROT_READ, MAP_SHARED, file, 0);
  const int cause = errno;
  ::close(file);
  if (mapping_ == MAP_FAILED) {
    mapping_ = nullptr;
    throw Error(ErrorKind::input, "Cannot map " + path + ": " + std::strerror(cause) + ".");
  }
}

FrameStore::FrameStore(FrameStore&& other) noexcept
    : path_(std::move(other.path_)),
      header_(other.header_),
      mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_(other.mapped_) {}

FrameStore::~FrameStore() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapped_);
}

const std::uint8_t* FrameStore::frame(std::uint64_t index) const {
  return static_cast<const std::uint8_t*>(mapping_) + kHeaderBytes + index * header_.frame_bytes();
}

FrameStoreWriter::FrameStoreWriter(const std::string& path, const FrameStoreHeader& header)
    : path_(path), temporary_(path + ".part" + std::to_string(::getpid())), header_(header) {
  stream_ = std::fopen(temporary_.c_str(), "wb");
  require(stream_ != nullptr, ErrorKind::output,
          "Cannot write " + path + ": " + std::strerror(errno) + ".");
  const auto bytes = pack(header_, 0);
  if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) != bytes.size()) {
    throw Error(ErrorKind::output, "Cannot write " + path + ": " + std::strerror(errno) + ".");
  }
}

FrameStoreWriter::~FrameStoreWriter() {
  if (stream_ == nullptr) return;
  std::fclose(stream_);
  std::error_code code;
  std::filesystem::remove(temporary_, code);
}

void FrameStoreWriter::add(std::span<const std::uint8_t> frame) {
  if (frame.empty()) return;
  require(frame.size() == header_.frame_bytes() &&
              std::fwrite(frame.data(), 1, frame.size(), stream_) == frame.size(),
          ErrorKind::output, "Cannot write " + path_ + ": " + std::strerror(errno) + ".");
  ++count_;
}

void FrameStoreWriter::finish() {
  const auto bytes = pack(header_, count_);
  const bool written = std::fseek(stream_, 0, SEEK_SET) == 0 &&
                       std::fwrite(bytes.data(), 1, bytes.size(), stream_) == bytes.size();
  const int cause = errno;
  const bool closed = std::fclose(std::exchange(stream_, nullptr)) == 0;
  std::error_code code;
  if (written && closed) std::filesystem::rename(temporary_, path_, code);
  if (!written || !closed || code) {
    std::filesystem::remove(temporary_, code);
    throw Error(ErrorKind::output, "Cannot finish " + path_ + ": " + std::strerror(cause) + ".");
  }
}

}  // namespace semcodec
