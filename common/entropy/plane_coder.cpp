#include "common/entropy/plane_coder.h"

#include <algorithm>
#include <array>

#include "common/core/error.h"
#include "common/entropy/pack.h"

namespace semcodec::entropy {
namespace {

constexpr int kUnary = 8;
constexpr std::int16_t kOutside = 0;
constexpr int kSkipRows = 16;

MixerShape shape() {
  MixerShape s;
  s.contexts = 8;
  s.table_bits = 17;
  s.selectors = {kUnary + 1, 160};
  s.apm_size = 64;
  return s;
}

// Coarser values for contexts of many cells: 0, 1, 2, 3+ of 4, whatever the levels are.
struct Coarse {
  explicit Coarse(int levels) {
    for (int v = 0; v < 256; ++v) {
      of[static_cast<std::size_t>(v)] = static_cast<std::uint8_t>(levels <= 4 ? v : v * 4 / levels);
    }
  }
  int operator()(int value) const { return of[static_cast<std::size_t>(value)]; }
  std::array<std::uint8_t, 256> of{};
};

}  // namespace

void throw_overrun() {
  throw Error(ErrorKind::corrupt,
              "A frame's coded planes end too early: the chunk is cut or damaged.");
}

PlaneCoder::PlaneCoder() : mixer_(shape()), skip_(8 * kSkipRows) {}

int PlaneCoder::code_value(BinaryCoder& coder, int value, int levels, int least) {
  const int unary = std::min(levels - 1, kUnary);
  for (int v = least; v < unary; ++v) {
    mixer_.set_selector(0, v);
    if (mixer_.code(coder, value > v ? 1 : 0, static_cast<std::uint32_t>(v)) == 0) return v;
  }
  if (unary == levels - 1) return unary;
  // value - unary in [0, levels - 1 - unary] as binary digits, the highest first.
  const int rest = levels - 1 - unary;
  int digits = 0;
  while ((rest >> digits) != 0) ++digits;
  int prefix = 1;
  int found = 0;
  mixer_.set_selector(0, kUnary);
  for (int d = digits - 1; d >= 0; --d) {
    if (found + (1 << d) > rest) {
      prefix <<= 1;
      continue;
    }
    const int bit =
        mixer_.code(coder, ((value - unary) >> d) & 1, static_cast<std::uint32_t>(16 + prefix));
    prefix = prefix << 1 | bit;
    found |= bit << d;
  }
  return unary + found;
}

int PlaneCoder::cheapest(const std::uint32_t* costs, int levels, std::uint32_t first) {
  std::uint64_t passed = 0;  // bits of the decisions that led to v
  std::uint64_t least = ~std::uint64_t{0};
  int best = 0;
  for (int v = 0; v < levels; ++v) {
    std::uint64_t total = passed + costs[v];
    if (v < levels - 1) {
      mixer_.set_selector(0, v);
      const std::uint32_t more =
          v == 0 && first != 0 ? first : mixer_.probability(static_cast<std::uint32_t>(v));
      total += cost_of(65536 - more);
      passed += cost_of(more);
    }
    if (total < least) {
      least = total;
      best = v;
    }
  }
  return best;
}

PaddedPlane PlaneCoder::code(BinaryCoder& coder, Plane& plane, const PlaneHistory& history,
                             int channel, std::uint32_t scene, const PlaneHistory* companion,
                             const std::uint32_t* costs) {
  const Coarse q(plane.levels);
  PaddedPlane current(plane.width, plane.height, kOutside);
  const bool have_last = !history.last.empty();
  const bool have_before = !history.before.empty();
  const std::ptrdiff_t s = current.stride();
  std::size_t index = 0;
  const std::uint32_t bias =
      static_cast<std::uint32_t>(channel) * 4 + (have_last ? 1 : 0) + (have_before ? 2 : 0);
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) {
      std::int16_t* c = current.at(x, y);
      const int west = c[-1], north = c[-s], northwest = c[-s - 1], northeast = c[-s + 1];
      const int west2 = c[-2], north2 = c[-2 * s];
      int p0 = 0, pe = 0, ps = 0, pw = 0, pn = 0, pse = 0, psw = 0, pne = 0, pnw = 0, pp = 0;
      if (have_last) {
        const std::int16_t* p = history.last.at(x, y);
        p0 = p[0];
        pe = p[1];
        ps = p[s];
        pw = p[-1];
        pn = p[-s];
        pse = p[s + 1];
        psw = p[s - 1];
        pne = p[-s + 1];
        pnw = p[-s - 1];
      }
      if (have_before) pp = *history.before.at(x, y);
      const bool skip = have_last && companion == nullptr &&
                        (west | north | northwest | northeast | p0 | pe | ps | pw | pn) == 0;
      const auto skip_context = static_cast<std::size_t>(y * kSkipRows / plane.height * 8 +
                                                         (pp != 0) + 2 * ((west2 | north2) != 0) +
                                                         4 * ((pse | psw | pne | pnw) != 0));
      const bool known = skip && costs == nullptr;
      if (known && skip_.code(coder, coder.reading() || plane.values[index] == 0 ? 0 : 1,
                              skip_context) == 0) {
        if (coder.reading() && coder.overrun()) throw_overrun();
        ++index;  // the values are 0 already
        continue;
      }
      int co = 0, before_co = 0;
      if (companion != nullptr) {
        co = *companion->last.at(x, y);
        if (!companion->before.empty()) before_co = *companion->before.at(x, y);
      }
      const int errors = (q(west) != q(pw)) + (q(north) != q(pn)) + (q(northeast) != q(pne)) +
                         (q(northwest) != q(pnw));
      const int spatial = 2 * (q(west) + q(north)) + q(northwest) + q(northeast);
      const auto set = [&](int i, std::uint32_t packed) {
        mixer_.set_context(i, packed * 64 + bias);
      };
      set(0, pack(1, west, north, northwest, northeast));
      set(1, pack(1, p0, pe, ps, pw, pn));
      set(2, pack(1, q(west), q(north), q(northwest), q(northeast), q(west2), q(north2)));
      set(3, pack(1, p0, pp, errors, q(west)));
      set(4, pack(1, p0, pp, west, north, co));
      set(5, pack(1, y * 16 / plane.height, x * 16 / plane.width, q(p0), scene));
      if (companion == nullptr) {
        set(6, pack(1, p0, pe, ps, q(pse), q(psw), q(west), q(north)));
        set(7, pack(1, p0, west - pw, north - pn, q(northeast) - q(pne)));
      } else {
        set(6, pack(2, co, p0, q(west) + q(north)));
        set(7, pack(2, co, before_co, p0, spatial / 2));
      }
      mixer_.set_selector(1, (have_last ? 80 : 0) + 16 * std::min(errors, 4) +
                                 4 * std::min(q(p0), 3) + std::min(q(west), 3));
      mixer_.set_apm(16 * std::min(q(p0), 3) + 4 * std::min(q(west), 3) + std::min(q(north), 3));
      if (costs != nullptr) {
        plane.values[index] = static_cast<std::uint8_t>(
            cheapest(costs, plane.levels, skip ? skip_.probability(skip_context) : 0));
        costs += plane.levels;
      }
      int value = coder.reading() ? 0 : plane.values[index];
      const bool more = !skip || known || skip_.code(coder, value != 0, skip_context) != 0;
      if (more) value = code_value(coder, value, plane.levels, skip ? 1 : 0);
      if (coder.reading()) {
        plane.values[index] = static_cast<std::uint8_t>(value);
        if (coder.overrun()) throw_overrun();
      }
      c[0] = static_cast<std::int16_t>(value);
      ++index;
    }
  }
  return current;
}

}  // namespace semcodec::entropy
