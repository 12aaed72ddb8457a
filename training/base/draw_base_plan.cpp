#include "training/base/draw_base_plan.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "encoder/core/hybrid_point.h"
#include "semcodec/planes.h"
#include "training/data/draws.h"

namespace semcodec {

namespace {

struct Scale {
  double scale;
  int share;                ///< of seven draws
  int lowest_quantiser;     ///< below it the next larger scale is the better choice
  double slowest, fastest;  ///< coded frames a second
};
constexpr Scale kScales[] = {{0.25, 1, 40, 3.2, 12.5},
                             {0.375, 1, 45, 3.2, 12.5},
                             {0.5, 3, 48, 3.2, 12.5},
                             {0.75, 1, 54, 3, 9},
                             {1.0, 1, 56, 3, 9}};
constexpr int kShares = 7;
constexpr double kFastShare = 0.08, kFastRate = 25;

const Scale& draw_scale(Random& random) {
  auto left = static_cast<int>(random.below(kShares));
  for (const auto& scale : kScales) {
    left -= scale.share;
    if (left < 0) return scale;
  }
  return *std::prev(std::end(kScales));
}

/// FNV-1a, so that a name means the same everywhere.
std::uint64_t number_of(const std::string& name) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace

std::optional<BasePlan> draw_base_plan(const BaseClip& clip, std::uint64_t seed, int index) {
  if (clip.frames < kMinBasePictures) return std::nullopt;
  Random random(seed * 1000003 + number_of(clip.name) + static_cast<std::uint64_t>(index) * 7919);
  const Scale& scale = draw_scale(random);
  double wanted = scale.slowest + uniform(random) * (scale.fastest - scale.slowest);
  if (uniform(random) < kFastShare) wanted = kFastRate;
  const auto most = (clip.frames - 1) / (kMinBasePictures - 1);
  const auto interval = std::clamp<std::int64_t>(std::llround(clip.rate / wanted), 1,
                                                 std::max<std::int64_t>(1, most));
  BasePlan plan;
  plan.coded_width = clip.width;
  plan.coded_height = clip.height;
  plan.width = std::min(base_side(clip.width, scale.scale), clip.width);
  plan.height = std::min(base_side(clip.height, scale.scale), clip.height);
  plan.quantiser = scale.lowest_quantiser +
                   static_cast<int>(random.below(
                       static_cast<std::uint64_t>(kMaxQuantiser + 1 - scale.lowest_quantiser)));
  // So late a start that too few pictures are left is none.
  const auto latest = std::min(interval - 1, clip.frames - 1 - interval * (kMinBasePictures - 1));
  plan.first = static_cast<int>(random.below(static_cast<std::uint64_t>(latest + 1)));
  plan.interval = static_cast<int>(interval);
  plan.pictures = static_cast<int>((clip.frames - 1 - plan.first) / interval + 1);
  return plan;
}

}  // namespace semcodec
