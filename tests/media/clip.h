#pragma once
// Pictures, sound and files for the tests of common/media, and the measures they are judged by.

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "semcodec/video_reader.h"
#include "semcodec/video_writer.h"

namespace semcodec::test {

/// A folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> files() const;  ///< names, sorted

 private:
  std::filesystem::path folder_;
};

/// Smooth gradients that move with `step`.
RgbImage gradient(int width, int height, int step);

/// Each quarter in one colour: top left, top right, bottom left, bottom right.
using Colour = std::array<int, 3>;
RgbImage quarters(int width, int height, const std::array<Colour, 4>& colours);
inline constexpr Colour kRed{220, 30, 30}, kGreen{30, 200, 40}, kBlue{40, 50, 210},
    kYellow{220, 210, 40};

/// Colour in the middle of the quarter (0 … 3 as above).
Colour quarter_of(const RgbImage& image, int quarter);
int colour_distance(const Colour& a, const Colour& b);  ///< largest difference of a channel

double psnr(const RgbImage& a, const RgbImage& b);  ///< dB; sizes must be equal

/// All frames, and the audio that came with them.
struct Clip {
  VideoInfo info;
  std::vector<VideoFrame> frames;
  std::optional<AudioInfo> audio_info;
  std::vector<AudioPacket> audio;
  std::string warning;
};
Clip read_clip(const std::string& path, const ReaderOptions& options = {});

/// Writes gradient(width, height, i) at each time.
void write_clip(const std::string& path, int width, int height,
                const std::vector<std::int64_t>& times, const WriterOptions& options);

/// 0, step, 2 step …
std::vector<std::int64_t> regular_times(int count, std::int64_t step = 1);

/// One picture of four flat quarters as lossless FFV1 4:4:4 in Matroska. YUV values are computed
/// here from the luma weights, without swscale.
struct FlatClip {
  int width = 64, height = 48;
  double kr = 0.299, kb = 0.114;
  bool full_range = false;
  int matrix_tag = 2;     ///< AVColorSpace, 2 = unspecified
  bool range_tag = true;  ///< false leaves the range unspecified
};
void write_flat_clip(const std::string& path, const FlatClip& clip,
                     const std::array<Colour, 4>& colours);

/// A 440 Hz sine. `encoder` is libav's encoder name: "aac", "libopus", "pcm_s16le", "ac3" …
struct Sound {
  AudioInfo info;
  std::vector<AudioPacket> packets;
};
Sound sine(const std::string& encoder, double seconds, int sample_rate = 48000, int channels = 2);

/// Samples of the first channel.
std::vector<float> decode_sound(const AudioInfo& info, const std::vector<AudioPacket>& packets);
double frequency(const std::vector<float>& samples, int sample_rate);

/// Only sound, in Matroska.
void write_audio_file(const std::string& path, const Sound& sound);

/// The sentence that `action` throws as an Error, or "" when it throws nothing.
std::string sentence_of(const std::function<void()>& action);

std::vector<std::uint8_t> bytes_of(const std::string& path);
void write_bytes(const std::string& path, const std::vector<std::uint8_t>& bytes);

/// Puts another open file in place of stdin or stdout while it lives.
class Redirect {
 public:
  Redirect(int descriptor, int replacement);
  ~Redirect();
  Redirect(const Redirect&) = delete;
  Redirect& operator=(const Redirect&) = delete;

 private:
  int descriptor_;
  int saved_;
};

}  // namespace semcodec::test
