#pragma once
// Frame store: a video as raw frames in one file, memory-mapped for training.
//
// Layout (little-endian): "SEMFRAME", u32 version (1), u32 width, u32 height, u32 channels
// (3 = RGB, 1 = an edge map), u64 frames, u32 rate numerator, u32 rate denominator, zeros up to
// byte 64; then the frames, each height·width·channels bytes. NAME.frames holds the pictures,
// NAME.edges beside it the edge probability of each of them (0..255). `semcodec-train prepare`
// writes both; nothing here needs libav.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/core/file.h"

namespace semcodec {

struct FrameStoreHeader {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::uint64_t frames = 0;
  std::uint32_t rate_num = 0;
  std::uint32_t rate_den = 1;

  std::size_t frame_bytes() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(channels);
  }
  double rate() const { return static_cast<double>(rate_num) / rate_den; }
};

class FrameStore {
 public:
  /// Maps the file. Throws Error(input) naming it when it is missing, cut short or no frame store.
  explicit FrameStore(const std::string& path);
  ~FrameStore();
  FrameStore(FrameStore&& other) noexcept;
  FrameStore& operator=(FrameStore&&) = delete;

  const FrameStoreHeader& header() const { return header_; }
  std::uint64_t size() const { return header_.frames; }
  const std::string& path() const { return path_; }
  /// Bytes of frame `index` (< size()).
  const std::uint8_t* frame(std::uint64_t index) const;

 private:
  std::string path_;
  FrameStoreHeader header_;
  void* mapping_ = nullptr;
  std::size_t mapped_ = 0;
};

/// Writes a store frame by frame; the file appears under its name at finish().
class FrameStoreWriter {
 public:
  FrameStoreWriter(const std::string& path, const FrameStoreHeader& header);
  ~FrameStoreWriter();
  /// header.frame_bytes() bytes.
  void add(std::span<const std::uint8_t> frame);
  void finish();
  std::uint64_t frames() const { return count_; }

 private:
  std::string path_;
  std::string temporary_;
  FrameStoreHeader header_;
  std::FILE* stream_ = nullptr;
  std::uint64_t count_ = 0;
};

}  // namespace semcodec
