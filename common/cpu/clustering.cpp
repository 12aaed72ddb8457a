#include "common/cpu/clustering.h"

#include <algorithm>
#include <limits>

#include "common/cpu/level.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/cpu/clustering.cpp"
#include <hwy/foreach_target.h>
// Behind it.
#include <hwy/highway.h>

// CMake compiles this file with -ffp-contract=off; see the header.

HWY_BEFORE_NAMESPACE();
namespace semcodec::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;
using Ints = hn::RebindToSigned<Floats>;
constexpr std::size_t kLanes = hn::MaxLanes(Floats());
constexpr std::size_t kVectors = kPointLanes / kLanes;

// Points, labels and distances of a step stay in registers while the centres go by.
HWY_ATTR void assign(const float* x, const float* y, const float* z, std::size_t count,
                     const std::array<float, 3>* centres, int clusters, std::int32_t* labels,
                     float* distances) {
  const Floats d;
  const Ints di;
  for (std::size_t i = 0; i < count; i += kPointLanes) {
    hn::Vec<Floats> px[kVectors], py[kVectors], pz[kVectors], best[kVectors];
    hn::Vec<Ints> label[kVectors];
    for (std::size_t k = 0; k < kVectors; ++k) {
      px[k] = hn::LoadU(d, x + i + k * kLanes);
      py[k] = hn::LoadU(d, y + i + k * kLanes);
      pz[k] = hn::LoadU(d, z + i + k * kLanes);
      best[k] = hn::Set(d, std::numeric_limits<float>::infinity());
      label[k] = hn::Zero(di);
    }
    for (int c = 0; c < clusters; ++c) {
      const auto cx = hn::Set(d, centres[c][0]), cy = hn::Set(d, centres[c][1]),
                 cz = hn::Set(d, centres[c][2]);
      const auto here = hn::Set(di, c);
      for (std::size_t k = 0; k < kVectors; ++k) {
        const auto dx = hn::Sub(px[k], cx), dy = hn::Sub(py[k], cy), dz = hn::Sub(pz[k], cz);
        const auto distance = hn::Add(hn::Add(hn::Mul(dx, dx), hn::Mul(dy, dy)), hn::Mul(dz, dz));
        const auto nearer = hn::Lt(distance, best[k]);
        label[k] = hn::IfThenElse(hn::RebindMask(di, nearer), here, label[k]);
        best[k] = hn::IfThenElse(nearer, distance, best[k]);
      }
    }
    for (std::size_t k = 0; k < kVectors; ++k) {
      hn::StoreU(label[k], di, labels + i + k * kLanes);
      hn::StoreU(best[k], d, distances + i + k * kLanes);
    }
  }
}

HWY_ATTR void tally(const std::int32_t* labels, const std::int32_t* fixed,
                    const std::uint16_t* weights, std::size_t count, std::int64_t* even,
                    std::int64_t* odd) {
  const hn::CappedTag<std::int64_t, 4> d;
  const hn::Rebind<std::int32_t, decltype(d)> narrow;
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t* to = (i % 2 == 0 ? even : odd) + 4 * labels[i];
    for (std::size_t k = 0; k < 4; k += hn::MaxLanes(d)) {
      auto wide = hn::PromoteTo(d, hn::LoadU(narrow, fixed + 4 * i + k));
      if (weights != nullptr) wide = hn::Mul(wide, hn::Set(d, weights[i]));
      hn::StoreU(hn::Add(hn::LoadU(d, to + k), wide), d, to + k);
    }
  }
}

HWY_ATTR std::uint64_t sum_distances(const float* distances, const std::uint16_t* weights,
                                     std::size_t count, float scale) {
  const Floats d;
  const hn::RebindToUnsigned<Floats> words;
  const hn::RepartitionToWide<decltype(words)> wide;
  const hn::Rebind<std::uint16_t, decltype(words)> halves;
  const auto factor = hn::Set(d, scale);
  auto even = hn::Zero(wide), odd = even;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const auto whole = hn::BitCast(
        words, hn::ConvertInRangeTo(Ints(), hn::Mul(hn::LoadU(d, distances + i), factor)));
    if (weights == nullptr) {
      const auto pairs = hn::BitCast(wide, whole);
      even = hn::Add(even, hn::And(pairs, hn::Set(wide, 0xffffffffU)));
      odd = hn::Add(odd, hn::ShiftRight<32>(pairs));
    } else {
      const auto weight = hn::PromoteTo(words, hn::LoadU(halves, weights + i));
      even = hn::Add(even, hn::MulEven(whole, weight));
      odd = hn::Add(odd, hn::MulOdd(whole, weight));
    }
  }
  std::uint64_t sum = hn::ReduceSum(wide, hn::Add(even, odd));
  for (; i < count; ++i) {
    const auto whole = static_cast<std::uint32_t>(static_cast<std::int32_t>(distances[i] * scale));
    sum += std::uint64_t{whole} * (weights == nullptr ? 1U : weights[i]);
  }
  return sum;
}

HWY_ATTR std::uint64_t lower(const float* x, const float* y, const float* z,
                             const std::uint16_t* weights, std::size_t count,
                             const std::array<float, 3>& centre, float scale, bool first, bool keep,
                             float* distances) {
  const Floats d;
  const auto cx = hn::Set(d, centre[0]), cy = hn::Set(d, centre[1]), cz = hn::Set(d, centre[2]);
  float lowered[kPointBlock];
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const auto dx = hn::Sub(hn::LoadU(d, x + i), cx), dy = hn::Sub(hn::LoadU(d, y + i), cy),
               dz = hn::Sub(hn::LoadU(d, z + i), cz);
    auto distance = hn::Add(hn::Add(hn::Mul(dx, dx), hn::Mul(dy, dy)), hn::Mul(dz, dz));
    if (!first) distance = hn::Min(distance, hn::LoadU(d, distances + i));
    hn::StoreU(distance, d, lowered + i);
  }
  for (; i < count; ++i) {
    const float dx = x[i] - centre[0], dy = y[i] - centre[1], dz = z[i] - centre[2];
    const float distance = (dx * dx + dy * dy) + dz * dz;
    lowered[i] = first ? distance : std::min(distance, distances[i]);
  }
  if (keep) std::copy(lowered, lowered + count, distances);
  return sum_distances(lowered, weights, count, scale);
}

const ClusteringKernels* table() {
  static constexpr ClusteringKernels kTable{assign, tally, sum_distances, lower};
  return &kTable;
}

}  // namespace
}  // namespace semcodec::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semcodec::cpu {

HWY_EXPORT(table);

const ClusteringKernels& clustering_kernels() noexcept {
  level_or_best();
  return *HWY_DYNAMIC_DISPATCH(table)();
}

}  // namespace semcodec::cpu
#endif
