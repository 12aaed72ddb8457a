#pragma once
// Reading and writing whole files, and outputs that appear under their final name only when
// they are complete.

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

namespace semcodec {

/// The whole content of a file. Throws Error(input) when it is missing, unreadable or larger than
/// `max_bytes`.
std::vector<std::uint8_t> read_file(const std::string& path,
                                    std::uint64_t max_bytes = std::uint64_t{1} << 30);

/// Refuses an output that exists already, unless `overwrite`. "-" (stdout) never exists.
/// Throws Error(output).
void check_output(const std::string& path, bool overwrite);

/// An output file written under a temporary name beside the final one. commit() flushes and
/// renames it; without commit() the destructor removes it, so that a failure leaves nothing under
/// the final name. With path "-" it writes to stdout and commit() only flushes.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Throws Error(output) naming the file and the cause (e.g. no space left on device).
  void write(std::span<const std::uint8_t> bytes);
  void flush();
  void commit();

  std::uint64_t size() const { return size_; }
  bool is_stdout() const { return stream_ == stdout; }
  const std::string& path() const { return path_; }

 private:
  [[noreturn]] void fail(const std::string& what);

  std::string path_;
  std::string temporary_;
  std::FILE* stream_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace semcodec
