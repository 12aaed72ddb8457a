#pragma once
// What semcodec-eval prints: one JSON object, or a table for people.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/clip_metrics.h"

namespace semcodec {

struct EvaluationReport {
  std::string reference, distorted;
  int width = 0, height = 0;  ///< size compared at
  double frame_rate = 0;      ///< source frames a second over the clip
  double seconds = 0;         ///< length of the source, the last frame's time included
  std::int64_t source_frames = 0, output_frames = 0;
  std::int64_t paired = 0, held = 0, source_unpaired = 0, output_unpaired = 0;
  std::optional<std::uint64_t> stream_bytes;  ///< of the file given with --bits
  ClipScores scores;
  /// Of each pair, only where asked for; figures that were not are empty.
  struct PairScores {
    double seconds = 0;  ///< of the reference's frame, in its own time
    std::optional<double> psnr, gmsd;
    std::array<std::optional<double>, kPerceptual.size()> perceptual;
  };
  std::optional<std::vector<PairScores>> pairs;
  std::vector<std::string> notes;  ///< sentences: what is missing, what was odd

  /// kbit/s of the stream over the source's length, and bits a pixel of the compared size.
  std::optional<double> kilobits_per_second() const;
  std::optional<double> bits_per_pixel() const;
};

/// One object; a figure that is not there is null. Keys: see docs/options.md.
std::string to_json(const EvaluationReport& report);

/// Lines "name  value  unit  meaning", for a terminal.
std::string to_table(const EvaluationReport& report);

}  // namespace semcodec
