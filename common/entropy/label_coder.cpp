#include "common/entropy/label_coder.h"

#include <algorithm>
#include <array>

#include "common/entropy/pack.h"
#include "common/entropy/plane_coder.h"

namespace semcodec::entropy {
namespace {

constexpr std::int16_t kOutside = -1;
constexpr int kMaxCandidates = 6;
constexpr std::size_t kSkipContexts = 40 * 64;

MixerShape shape() {
  MixerShape s;
  s.contexts = 8;
  s.table_bits = 17;
  s.selectors = {kMaxCandidates * 2, 320};
  s.apm_size = kMaxCandidates * 64;
  return s;
}

MixerShape rest_shape() {
  MixerShape s;
  s.contexts = 5;
  s.table_bits = 12;
  s.selectors = {32, 16};
  s.apm_size = 1;
  return s;
}

// Squared distance of two palette colours, green weighing more, roughly as the eye has it.
int distance(const Palette& palette, int a, int b) {
  if (a < 0 || b < 0) return 1 << 20;
  const auto& p = palette[static_cast<std::size_t>(a)];
  const auto& r = palette[static_cast<std::size_t>(b)];
  const int dr = p[0] - r[0], dg = p[1] - r[1], db = p[2] - r[2];
  return 3 * dr * dr + 4 * dg * dg + 2 * db * db;
}

// 0...7, logarithmic.
int distance_class(int d) {
  int c = 0;
  for (d /= 256; d > 0 && c < 7; d /= 3) ++c;
  return c;
}

// How much edge there is in each cell, 1...4; nothing without a structure plane.
std::vector<std::uint8_t> edge_classes(const PaddedPlane& structure, int width, int height) {
  std::vector<std::uint8_t> classes;
  if (structure.empty()) return classes;
  for (int y = 0; y < height; ++y) {
    const int y0 = y * structure.height() / height;
    const int y1 = std::clamp((y + 1) * structure.height() / height, y0 + 1, y0 + 4);
    for (int x = 0; x < width; ++x) {
      const int x0 = x * structure.width() / width;
      const int x1 = std::clamp((x + 1) * structure.width() / width, x0 + 1, x0 + 4);
      int edge = 0;
      for (int yy = y0; yy < y1; ++yy) {
        for (int xx = x0; xx < x1; ++xx) edge += std::min<int>(*structure.at(xx, yy), 3);
      }
      classes.push_back(edge == 0 ? 1 : edge <= 2 ? 2 : edge <= 5 ? 3 : 4);
    }
  }
  return classes;
}

}  // namespace

LabelCoder::LabelCoder() : mixer_(shape()), rest_(rest_shape()), skip_(kSkipContexts) {}

int LabelCoder::code_rest(BinaryCoder& coder, int label, const std::vector<int>& ranked,
                          std::uint32_t scene) {
  constexpr int kUnary = 24;
  const int count = static_cast<int>(ranked.size());
  int rank = 0;
  if (!coder.reading()) {
    rank = static_cast<int>(std::find(ranked.begin(), ranked.end(), label) - ranked.begin());
  }
  for (int r = 0; r < kUnary; ++r) {
    if (r == count - 1) return ranked[static_cast<std::size_t>(r)];
    rest_.set_selector(0, r);
    rest_.set_context(4, pack(3, ranked[static_cast<std::size_t>(r)], scene));
    if (rest_.code(coder, rank == r ? 1 : 0, static_cast<std::uint32_t>(r)) != 0) {
      return ranked[static_cast<std::size_t>(r)];
    }
  }
  const int last = count - 1 - kUnary;
  int digits = 0;
  while ((last >> digits) != 0) ++digits;
  int found = 0;
  for (int d = digits - 1; d >= 0; --d) {
    if (found + (1 << d) > last) continue;
    rest_.set_selector(0, kUnary + d);
    found |= rest_.code(coder, ((rank - kUnary) >> d) & 1, static_cast<std::uint32_t>(64 + d)) << d;
  }
  return ranked[static_cast<std::size_t>(kUnary + found)];
}

PaddedPlane LabelCoder::code(BinaryCoder& coder, Plane& plane, const Palette& palette,
                             const PlaneHistory& history, const PaddedPlane& structure,
                             std::uint32_t scene) {
  PaddedPlane current(plane.width, plane.height, kOutside);
  const bool have_last = !history.last.empty();
  const bool have_before = !history.before.empty();
  const std::ptrdiff_t s = current.stride();
  const int levels = plane.levels;
  const std::vector<std::uint8_t> edges = edge_classes(structure, plane.width, plane.height);
  std::vector<int> ranked;
  std::size_t index = 0;
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) {
      std::int16_t* c = current.at(x, y);
      const int west = c[-1], north = c[-s], northwest = c[-s - 1], northeast = c[-s + 1];
      const int west2 = c[-2], north2 = c[-2 * s];
      int p0 = -1, pe = -1, ps = -1, pw = -1, pn = -1, pse = -1, psw = -1, pne = -1, pnw = -1;
      int pp = -1;
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
      const int edge = edges.empty() ? 0 : edges[index];
      const bool skip = p0 >= 0 && p0 == west && p0 == north && p0 == northeast &&
                        p0 == northwest && p0 == pe && p0 == ps && p0 == pw && p0 == pn;
      const int label = coder.reading() ? 0 : plane.values[index];
      if (skip) {
        const auto context = static_cast<std::size_t>(
            ((p0 & 63) * 10 + edge * 2 + (pp == p0)) * 4 + (west2 == p0 && north2 == p0) +
            2 * (pse == p0 && psw == p0 && pne == p0 && pnw == p0));
        if (skip_.code(coder, label == p0 ? 1 : 0, context) != 0) {
          if (coder.reading()) {
            plane.values[index] = static_cast<std::uint8_t>(p0);
            if (coder.overrun()) throw_overrun();
          }
          c[0] = static_cast<std::int16_t>(p0);
          ++index;
          continue;
        }
      }
      const int errors = (west != pw) + (north != pn) + (northeast != pne) + (northwest != pnw);

      std::array<int, kMaxCandidates> candidates{};
      int count = 0;
      for (const int near_by : {p0, west, north, northeast, northwest, pp, pe, ps}) {
        if (near_by < 0 || near_by >= levels || count == kMaxCandidates) continue;
        bool known = false;
        for (int i = 0; i < count; ++i)
          known = known || candidates[static_cast<std::size_t>(i)] == near_by;
        if (!known) candidates[static_cast<std::size_t>(count++)] = near_by;
      }
      int found = -1;
      // Of a skippable cell the first candidate, p0, was asked about already.
      for (int k = skip ? 1 : 0; k < count && found < 0; ++k) {
        const int t = candidates[static_cast<std::size_t>(k)];
        if (count == levels && k == count - 1) {
          found = t;
          break;
        }
        const int next = k + 1 < count ? candidates[static_cast<std::size_t>(k + 1)] : -1;
        const int around =
            (west == t) | (north == t) << 1 | (northeast == t) << 2 | (northwest == t) << 3;
        const int wider = (west2 == t) | (north2 == t) << 1;
        const int before =
            (p0 == t) | (pe == t) << 1 | (ps == t) << 2 | (pw == t) << 3 | (pn == t) << 4;
        const int corners = (pse == t) | (psw == t) << 1 | (pne == t) << 2 | (pnw == t) << 3;
        const int flat = (west == north) | (north == northeast) << 1 | (west == northwest) << 2 |
                         (north == northwest) << 3;
        const int near = distance_class(distance(palette, t, next));
        const int kk = k * 2 + (have_last ? 1 : 0);
        const auto set = [&](int i, std::uint32_t packed) {
          mixer_.set_context(i, packed * 16 + static_cast<std::uint32_t>(kk));
        };
        set(0, pack(3, around, wider, flat));
        set(1, pack(3, t, p0, west, scene));
        set(2, pack(3, t, west, north, scene));
        set(3, pack(3, t, p0, pe, ps, scene));
        set(4, pack(3, edge, around & 3, p0 == t, errors));
        set(5, pack(3, around, before, corners));
        set(6, pack(3, t, west, north, northeast, northwest, scene));
        set(7, pack(3, t, next, candidates[0], near, scene));
        mixer_.set_selector(0, kk);
        mixer_.set_selector(1, (around & 7) * 40 + std::min(errors, 4) * 8 + (before & 1) * 4 +
                                   ((pp == t) << 1) + (edge > 1));
        mixer_.set_apm(k * 64 + (around & 3) * 16 + (before & 7) * 2 + (errors > 0));
        if (mixer_.code(coder, label == t ? 1 : 0, 0) != 0) found = t;
      }
      if (found < 0) {
        const int a = count > 0 ? candidates[0] : -1;
        const int b = count > 1 ? candidates[1] : a;
        const int d = count > 2 ? candidates[2] : b;
        ranked.clear();
        for (int l = 0; l < levels; ++l) {
          const auto end = candidates.begin() + count;
          if (std::find(candidates.begin(), end, l) != end) continue;
          // The distance decides, then the label; a sum of three is below 2^23.
          const int sum =
              distance(palette, l, a) + distance(palette, l, b) + distance(palette, l, d);
          ranked.push_back(sum << 8 | l);
        }
        std::sort(ranked.begin(), ranked.end());
        for (int& r : ranked) r &= 255;
        rest_.set_context(0, 0);
        rest_.set_context(1, pack(3, a, scene));
        rest_.set_context(2, pack(3, a, b, scene));
        rest_.set_context(3, pack(3, count, edge));
        rest_.set_selector(1, std::min(count, 7) * 2 + (have_last ? 1 : 0));
        found = code_rest(coder, label, ranked, scene);
      }
      if (coder.reading()) {
        plane.values[index] = static_cast<std::uint8_t>(found);
        if (coder.overrun()) throw_overrun();
      }
      c[0] = static_cast<std::int16_t>(found);
      ++index;
    }
  }
  return current;
}

}  // namespace semcodec::entropy
