#pragma once
// Where a video goes: a file under a temporary name, a device, a pipe, stdout, or an address that
// libav writes to. Private to this folder. (common/core/file.h OutputFile does the same for plain
// streams; muxers also seek.)

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "common/media/av_handles.h"

namespace semcodec::av {

class OutputTarget {
 public:
  /// An address may wait for who takes it, until `cancelled` says no, and is then given two seconds
  /// for what it has begun. Throws Error(output) when `path` cannot be written, or
  /// Error(interrupted).
  explicit OutputTarget(const std::string& path, std::function<bool()> cancelled = {});
  ~OutputTarget();
  OutputTarget(const OutputTarget&) = delete;
  OutputTarget& operator=(const OutputTarget&) = delete;

  AVIOContext* io() { return net_ != nullptr ? net_ : io_.get(); }
  bool seekable() const { return seekable_; }
  const AVIOInterruptCB& interrupt() const { return interrupt_; }
  /// What libav may open a second time to read back (faststart); "" when it cannot.
  std::string url() const { return temporary_.empty() ? "" : "file:" + temporary_; }
  std::uint64_t bytes() const { return net_ != nullptr ? net_bytes() : end_; }

  /// Without a muxer. Throws Error(output).
  void put(std::span<const std::uint8_t> bytes);
  void flush();

  /// Throws Error(output) naming file and cause when a write has failed.
  void check();
  /// Flushes, closes and renames. Throws Error(output).
  void commit();

 private:
  static int write(void* self, std::uint8_t* data, int size);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);
  static int asked_to_stop(void* self);
  [[noreturn]] void fail(const std::string& cause) const;
  void open_address();
  void open_file();
  std::uint64_t net_bytes() const;

  std::string path_;
  std::function<bool()> cancelled_;
  AVIOInterruptCB interrupt_{asked_to_stop, this};
  bool opening_ = true;
  std::optional<std::chrono::steady_clock::time_point> cancelled_at_;
  AVIOContext* net_ = nullptr;  ///< of an address
  std::string temporary_;       ///< "" when written in place or committed
  int file_ = -1;
  bool seekable_ = false;
  int error_ = 0;  ///< errno of the first failed write
  std::uint64_t position_ = 0, end_ = 0;
  Io io_;
};

}  // namespace semcodec::av
