#pragma once
// An opened container: a file, a URL or stdin, with libav's failures turned into sentences.
// Private to this folder.

#include <cstdint>
#include <functional>
#include <string>

#include "common/media/av_handles.h"

namespace semcodec::av {

struct InputRequest {
  std::string format{};    ///< libav's demuxer or device; "": found out
  std::string settings{};  ///< its options, "key=value:key=value"
  std::function<bool()> cancelled{};
};

class InputFile {
 public:
  /// Opens and probes. "-" is stdin, which is seekable when it is redirected from a file. Only the
  /// protocol of `path` is used: a playlist from the network or stdin opens no file.
  /// Throws Error(input), Error(usage) for an unknown format or option, or Error(interrupted) when
  /// `cancelled` says so while it blocks.
  InputFile(const std::string& path, InputRequest request);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  AVFormatContext& context() { return *context_; }
  /// For sentences: the path, or "stdin".
  const std::string& name() const { return name_; }

  /// Like av_read_frame(). Throws Error(interrupted) when cancelled.
  int read(AVPacket& packet);

  /// True at the end of y4m data whose last picture is cut off, which libav takes for a clean end.
  bool ends_inside_a_picture() const;

 private:
  static int read_stdin(void* self, std::uint8_t* buffer, int size);
  static std::int64_t seek_stdin(void* self, std::int64_t offset, int whence);
  static int asked_to_stop(void* self);
  void check_file(const std::string& path);
  void attach_stdin();

  std::string name_;
  std::function<bool()> cancelled_;
  bool stopped_ = false;
  std::int64_t stdin_bytes_ = 0;
  std::int64_t video_end_ = -1;  ///< byte behind the last packet, y4m only
  Io io_;                        // outlives the context that uses it
  Input context_;
};

}  // namespace semcodec::av
