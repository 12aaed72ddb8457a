#pragma once
// A file (or stdin) read in order, and, when it is a regular file, at any place.

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

namespace semcodec {

class ByteFile {
 public:
  /// "-" is stdin. Throws Error(input).
  explicit ByteFile(const std::string& path);
  ~ByteFile();
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;

  /// Hands out what has arrived, at least one byte unless the end is there (0).
  std::size_t read(std::span<std::uint8_t> to);
  bool seekable() const { return seekable_; }
  std::uint64_t size() const { return size_; }
  void seek(std::uint64_t offset);
  /// Bytes at another place; the reading position stays. Fewer when the file is shorter.
  std::vector<std::uint8_t> read_at(std::uint64_t offset, std::uint64_t size);

 private:
  int descriptor_ = -1;
  bool owned_ = false;
  bool seekable_ = false;
  std::uint64_t size_ = 0;
  std::string name_;
};

}  // namespace semcodec
