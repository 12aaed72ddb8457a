#include "common/entropy/plane_coder.h"

#include <algorithm>
#include <initializer_list>

#include "common/core/error.h"

namespace semcodec::entropy {
namespace {

constexpr int kUnary = 8;
constexpr std::int16_t kOutside = 0;

MixerShape shape() {
  MixerShape s;
  s.contexts = 13;
  s.table_bits = 16;
  s.selectors = {kUnary + 1, 64, 80};
  s.apm_size = 64;
  return s;
}

// Coarser values for contexts of many cells: 0, 1, 2, 3+ of 4, whatever the levels are.
struct Coarse {
  explicit Coarse(int levels) : levels_(levels) {}
  std::uint32_t operator()(int value) const {
    if (levels_ <= 4) return static_cast<std::uint32_t>(value);
    return static_cast<std::uint32_t>(value * 4 / levels_);
  }
  int levels_;
};

std::uint32_t pack(std::initializer_list<int> values) {
  std::uint32_t h = 0;
  for (const int v : values) h = h * 0x2f0b4c47u + static_cast<std::uint32_t>(v) + 1;
  return h;
}

}  // namespace

void throw_overrun() {
  throw Error(ErrorKind::corrupt,
              "A frame's coded planes end too early: the chunk is cut or damaged.");
}

PlaneCoder::PlaneCoder() : mixer_(shape()) {}

int PlaneCoder::code_value(BinaryCoder& coder, int value, int levels) {
  const int unary = std::min(levels - 1, kUnary);
  for (int v = 0; v < unary; ++v) {
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

PaddedPlane PlaneCoder::code(BinaryCoder& coder, Plane& plane, const PlaneHistory& history,
                             int channel, const PaddedPlane* companion) {
  const Coarse q(plane.levels);
  PaddedPlane current(plane.width, plane.height, kOutside);
  const bool have_last = !history.last.empty();
  const bool have_before = !history.before.empty();
  const std::ptrdiff_t s = current.stride();
  std::size_t index = 0;
  const int bias = channel * 4 + (have_last ? 1 : 0) + (have_before ? 2 : 0);
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
      const int co = companion != nullptr ? *companion->at(x, y) : 0;
      const int errors = (q(west) != q(pw)) + (q(north) != q(pn)) + (q(northeast) != q(pne)) +
                         (q(northwest) != q(pnw));
      const auto iq = [&](int v) { return static_cast<int>(q(v)); };
      int i = 0;
      const auto add = [&](std::initializer_list<int> values) {
        mixer_.set_context(i++, pack(values) * 64 + static_cast<std::uint32_t>(bias));
      };
      add({west, north, northwest, northeast});
      add({west, north, p0});
      add({p0, pe, ps, pw, pn});
      add({p0, pe, ps, iq(pse), iq(psw), iq(west), iq(north)});
      add({iq(west), iq(north), iq(northwest), iq(northeast), iq(west2), iq(north2)});
      add({p0, west - pw, north - pn, iq(northeast) - iq(pne)});
      add({(p0 > 0) | (pe > 0) << 1 | (ps > 0) << 2 | (pw > 0) << 3 | (pn > 0) << 4 |
               (pse > 0) << 5 | (psw > 0) << 6 | (pne > 0) << 7 | (pnw > 0) << 8,
           (west > 0) | (north > 0) << 1});
      const int spatial = 2 * (iq(west) + iq(north)) + iq(northwest) + iq(northeast);
      const int temporal = 4 * iq(p0) + 2 * (iq(pe) + iq(ps) + iq(pw) + iq(pn)) + iq(pse) +
                           iq(psw) + iq(pne) + iq(pnw);
      add({spatial, temporal / 2});
      add({p0, pp, errors, iq(west)});
      add({p0, pp, west, north, co});
      add({co, p0, iq(west) + iq(north)});
      add({y * 16 / plane.height, x * 16 / plane.width, iq(p0)});
      add({spatial / 2, errors, p0, pp});
      mixer_.set_selector(1, (have_last ? 32 : 0) + std::min(iq(p0), 3) * 8 +
                                 std::min(iq(west), 3) * 2 + (north > 0 ? 1 : 0));
      mixer_.set_selector(2, std::min(errors, 4) * 16 + std::min(temporal / 3, 15));
      mixer_.set_apm((std::min(iq(p0), 3) * 4 + std::min(iq(west), 3)) * 4 +
                     std::min(iq(north), 3));
      const int value = code_value(coder, coder.reading() ? 0 : plane.values[index], plane.levels);
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
