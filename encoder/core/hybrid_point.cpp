#include "encoder/core/hybrid_point.h"

#include <algorithm>
#include <cmath>

namespace semcodec {

namespace {

struct Node {
  double quality, scale, rate, quantiser;  // rate: coded frames a second
};

// The scale holds from a node to the next; rate and quantiser go in straight lines.
constexpr Node kNodes[] = {
    {0, 0.25, 2.5, 63},   {22, 0.25, 5, 60},   {22.01, 0.375, 4.0, 63}, {40, 0.375, 6, 59},
    {40.01, 0.5, 5, 63},  {55, 0.5, 7, 60},    {70, 0.5, 8, 54},        {85, 0.5, 10, 46},
    {85.01, 0.75, 9, 53}, {100, 0.75, 12, 44},
};

}  // namespace

HybridPoint hybrid_point(double quality) {
  const double q = std::clamp(quality, 0.0, 100.0);
  const Node* after = kNodes + 1;
  while (after->quality < q) ++after;
  const Node& before = *(after - 1);
  const double share = (q - before.quality) / (after->quality - before.quality);
  const auto mix = [share](double a, double b) { return a + share * (b - a); };
  return {before.scale, 1 / mix(before.rate, after->rate), mix(before.quantiser, after->quantiser)};
}

int base_side(int coded_side, double scale) {
  return std::max(16, 2 * static_cast<int>(std::lround(coded_side * scale / 2)));
}

}  // namespace semcodec
