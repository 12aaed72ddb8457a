#pragma once
// An encoder that only costs bits: coded frames by a schedule, sizes by a formula with noise, steps
// of the operating points, scenes of different richness, entry points. Deterministic.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "encoder/rate/frame_schedule.h"
#include "encoder/rate/planned.h"

namespace semcodec {

struct Simulation {
  double seconds = 10;
  double fps = 25;
  double zero = 1500;      ///< bit/s at quality 0
  double per_octave = 16;  ///< within a step and on average
  double noise = 0.2;      ///< of a coded frame's size
  double step = 0.15;      ///< octaves by which the rate jumps every ten steps of quality
  double keyint = 20;
  double interval_power = 0.7;  ///< of the rate, in the interval
  double overhead = 1100;       ///< bits of header and index
  double other = 0;             ///< bit/s of audio that counts
  std::vector<double> scenes;   ///< richness in octaves, each scene equally long
  std::uint32_t seed = 1;

  double interval(double quality) const { return std::pow(0.12, quality / 100); }

  /// Bit/s at a quality, entry points aside.
  double rate(double quality) const {
    const double inside = quality / 10 - std::floor(quality / 10);
    // Some of each ten steps' growth comes at once, the rest evenly.
    return zero * std::exp2(std::floor(quality / 10) * 10 / per_octave +
                            inside * (10 / per_octave - step));
  }

  /// Runs `control` over the video, or a constant quality when it is null.
  PassRecord run(RateControl* control, double quality = 0) const {
    PassRecord record;
    FrameSchedule schedule(1 / fps, 0, {});
    std::uint32_t state = seed;
    const auto random = [&state] {  // -1 … 1
      state = state * 1664525U + 1013904223U;
      return static_cast<double>(state >> 8) / 8388608.0 - 1;
    };
    record.total = overhead / 2;
    double entry = -1e9, last = 0;
    const auto frames = static_cast<int>(seconds * fps);
    for (int i = 0; i < frames; ++i) {
      const double now = i / fps;
      const RateChoice choice = control != nullptr ? control->choice() : RateChoice{quality, 1};
      const double wanted = interval(choice.quality) * choice.interval_scale;
      if (!schedule.due(now, wanted) && i + 1 < frames) continue;
      schedule.sent(now, wanted, false);
      const double gap = std::max(now - last, 1 / fps);
      const double usual = interval(choice.quality);
      double bits = rate(choice.quality) * usual * std::pow(gap / usual, 1 - interval_power);
      if (!scenes.empty()) {
        const double part = now / seconds * static_cast<double>(scenes.size());
        const auto scene = static_cast<std::size_t>(part);
        bits *= std::exp2(scenes[std::min(scene, scenes.size() - 1)]);
      }
      CodedFrameCost cost;
      cost.entry_point = now - entry >= keyint;
      if (cost.entry_point) {
        entry = now;
        bits = rate(choice.quality) * usual * 1.5;
      }
      cost.bits = std::floor(bits * (1 + noise * random()) / 8) * 8 + 200;
      cost.seconds = now;
      cost.choice = choice;
      record.total += cost.bits + other * (now - last);
      cost.spent = record.total;
      last = now;
      record.coded_frames.push_back(cost);
      if (control != nullptr) control->update(cost);
    }
    record.total += overhead / 2;
    return record;
  }

  double kbps(const PassRecord& record) const { return record.total / seconds / 1000; }
};

/// A video as short as the shortest that the marks are for; seeds differ in noise and steepness.
inline Simulation short_video(std::uint32_t seed) {
  Simulation video;
  video.seconds = 8.84;
  video.seed = seed * 77;
  video.per_octave = 12 + seed % 4 * 3;
  video.zero = 1100;
  return video;
}

}  // namespace semcodec
