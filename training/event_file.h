#pragma once
// Event files for TensorBoard: scalars and pictures over the steps of a run.
//
// The format is TFRecord framing (u64 length, masked CRC-32C of it, data, masked CRC-32C of that;
// little-endian) around the protobuf messages `Event` of proto/tensorboard.proto.

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace semcodec {

namespace tensorboard {
class Event;
}

class EventFile {
 public:
  /// Makes a new file in `folder`. `step`: where the run starts or goes on; TensorBoard drops what
  /// earlier files of the folder say of later steps. A file that cannot be written is said once and
  /// then does nothing: curves are worth less than the training.
  EventFile(const std::string& folder, std::int64_t step);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  void scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& values);
  /// `rgb`: height·width·3 bytes.
  void picture(std::int64_t step, const std::string& tag, int width, int height,
               std::span<const std::uint8_t> rgb);

  const std::string& path() const { return path_; }

 private:
  /// Adds the time and the step to `event`, and writes it.
  void write(std::int64_t step, tensorboard::Event& event);

  std::string path_;
  std::FILE* stream_ = nullptr;
};

/// A PNG file in memory. `rgb`: height·width·3 bytes.
std::string png_of(int width, int height, std::span<const std::uint8_t> rgb);

}  // namespace semcodec
