#include "common/core/file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "common/core/error.h"

namespace semcodec {

std::vector<std::uint8_t> read_file(const std::string& path, std::uint64_t max_bytes) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    throw Error(ErrorKind::input, path + " is a folder, not a file.");
  }
  std::FILE* stream = std::fopen(path.c_str(), "rb");
  if (stream == nullptr) {
    throw Error(ErrorKind::input, "Cannot open " + path + ": " + std::strerror(errno) + ".");
  }
  std::vector<std::uint8_t> bytes;
  std::uint8_t buffer[65536];
  std::size_t got = 0;
  while ((got = std::fread(buffer, 1, sizeof buffer, stream)) > 0) {
    if (bytes.size() + got > max_bytes) {
      std::fclose(stream);
      throw Error(ErrorKind::input, path + " is larger than the " + std::to_string(max_bytes) +
                                        " bytes allowed for such a file.");
    }
    bytes.insert(bytes.end(), buffer, buffer + got);
  }
  const bool failed = std::ferror(stream) != 0;
  std::fclose(stream);
  require(!failed, ErrorKind::input, "Cannot read " + path + ": " + std::strerror(errno) + ".");
  return bytes;
}

void check_output(const std::string& path, bool overwrite) {
  if (path == "-" || overwrite) return;
  std::error_code code;
  require(!std::filesystem::exists(path, code), ErrorKind::output,
          path + " exists already; use -y to overwrite it.");
}

OutputFile::OutputFile(const std::string& path) : path_(path) {
  // Devices such as /dev/null or /dev/full, and pipes, are written in place.
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  const bool special = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
  if (path == "-") {
    stream_ = stdout;
    return;
  }
  require(!std::filesystem::is_directory(status), ErrorKind::output,
          path + " is a folder; name a file to write.");
  temporary_ = special ? path : path + ".part" + std::to_string(::getpid());
  stream_ = std::fopen(temporary_.c_str(), "wb");
  if (stream_ == nullptr) {
    throw Error(ErrorKind::output, "Cannot write " + path + ": " + std::strerror(errno) + ".");
  }
  if (special) temporary_.clear();
}

OutputFile::~OutputFile() {
  if (stream_ != nullptr && stream_ != stdout) std::fclose(stream_);
  if (!temporary_.empty()) {
    std::error_code code;
    std::filesystem::remove(temporary_, code);
  }
}

void OutputFile::fail(const std::string& what) {
  throw Error(ErrorKind::output, "Cannot " + what + " " + (path_ == "-" ? "stdout" : path_) + ": " +
                                     std::strerror(errno) + ".");
}

void OutputFile::write(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) != bytes.size()) fail("write to");
  size_ += bytes.size();
}

void OutputFile::flush() {
  if (std::fflush(stream_) != 0) fail("write to");
}

void OutputFile::commit() {
  flush();
  if (stream_ == stdout) return;
  std::FILE* stream = stream_;
  stream_ = nullptr;
  if (std::fclose(stream) != 0) fail("finish");
  if (temporary_.empty()) return;
  std::error_code code;
  std::filesystem::rename(temporary_, path_, code);
  if (code) {
    throw Error(ErrorKind::output, "Cannot write " + path_ + ": " + code.message() + ".");
  }
  temporary_.clear();
}

}  // namespace semcodec
