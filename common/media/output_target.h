#pragma once
// Where a muxer writes: a file under a temporary name, a device, a pipe or stdout. Private to this
// folder. (common/core/file.h OutputFile does the same for plain streams; muxers also seek.)

#include <cstdint>
#include <string>

#include "common/media/av_handles.h"

namespace semcodec::av {

class OutputTarget {
 public:
  /// Throws Error(output) when `path` cannot be written.
  explicit OutputTarget(const std::string& path);
  ~OutputTarget();
  OutputTarget(const OutputTarget&) = delete;
  OutputTarget& operator=(const OutputTarget&) = delete;

  AVIOContext* io() { return io_.get(); }
  bool seekable() const { return seekable_; }
  /// What libav may open a second time to read back (faststart); "" when it cannot.
  std::string url() const { return temporary_.empty() ? "" : "file:" + temporary_; }
  std::uint64_t bytes() const { return end_; }

  /// Throws Error(output) naming file and cause when a write has failed.
  void check();
  /// Flushes, closes and renames. Throws Error(output).
  void commit();

 private:
  static int write(void* self, std::uint8_t* data, int size);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);
  [[noreturn]] void fail(int cause) const;

  std::string path_;
  std::string temporary_;  ///< "" when written in place or committed
  int file_ = -1;
  bool seekable_ = false;
  int error_ = 0;  ///< errno of the first failed write
  std::uint64_t position_ = 0, end_ = 0;
  Io io_;
};

}  // namespace semcodec::av
