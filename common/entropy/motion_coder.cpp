#include "common/entropy/motion_coder.h"

#include <algorithm>
#include <array>

#include "common/entropy/pack.h"
#include "common/entropy/plane_coder.h"

namespace semcodec::entropy {
namespace {

constexpr int kMaxVectors = 4;

MixerShape vector_shape() {
  MixerShape s;
  s.contexts = 8;
  s.table_bits = 14;
  s.selectors = {kMaxVectors * 2, 64};
  s.apm_size = kMaxVectors * 16;
  return s;
}

// Exact up to 2, then by binary digits.
std::uint32_t fine_class(int value) {
  return std::abs(value) <= 2 ? static_cast<std::uint32_t>(value + 2) : 8 + size_class(value);
}

/// What a part of a vector takes that is no candidate, about, for choices.
std::uint64_t bits_of(int residual) { return (2 + 2 * (size_class(residual) & 15)) << 16; }

int median(int a, int b, int c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

}  // namespace

/// Vectors around a cell: of this field, then of the previous one (0 where there is none).
struct MotionCoder::Surroundings {
  Vector w, n, ne, nw, ww, nn;
  Vector p0, pe, ps, pw, pn;
  Vector middle;  // the median of w, n and ne, each part on its own
  bool previous = false;
};

MotionCoder::MotionCoder() : vectors_(vector_shape()), numbers_(8) {}

MotionCoder::Vector MotionCoder::code_vector(BinaryCoder& coder, Vector v, const Surroundings& s,
                                             const VectorBitCost& cost) {
  std::array<Vector, kMaxVectors> candidates{};
  int count = 0;
  for (const Vector& c : {s.middle, s.w, s.n, s.ne, s.p0, s.nw, s.pe, s.ps}) {
    if (count == kMaxVectors) break;
    if (std::find(candidates.begin(), candidates.begin() + count, c) ==
        candidates.begin() + count) {
      candidates[static_cast<std::size_t>(count++)] = c;
    }
  }
  const int flat = (s.w == s.n) | (s.n == s.ne) << 1 | (s.w == s.nw) << 2 | (s.n == s.nw) << 3;
  const int same = (s.w == s.pw) | (s.n == s.pn) << 1;
  const int settled =
      (s.p0 == s.pw) | (s.p0 == s.pn) << 1 | (s.p0 == s.pe) << 2 | (s.p0 == s.ps) << 3;
  // Sets the contexts of "is it candidate k?"; returns the candidate.
  const auto prepare = [&](int k) {
    const Vector& t = candidates[static_cast<std::size_t>(k)];
    const int around = (s.w == t) | (s.n == t) << 1 | (s.ne == t) << 2 | (s.nw == t) << 3;
    const int wider = (s.ww == t) | (s.nn == t) << 1;
    const int before =
        (s.p0 == t) | (s.pe == t) << 1 | (s.ps == t) << 2 | (s.pw == t) << 3 | (s.pn == t) << 4;
    const Vector& u = candidates[static_cast<std::size_t>(std::min(k + 1, count - 1))];
    const int apart = static_cast<int>(size_class(std::abs(u.dx - t.dx) + std::abs(u.dy - t.dy)));
    const int still = (t.dx == 0 && t.dy == 0) ? 1 : 0;
    const int size = static_cast<int>(size_class(std::abs(t.dx) + std::abs(t.dy)));
    const std::uint32_t kk = static_cast<std::uint32_t>(k * 2 + (s.previous ? 1 : 0));
    int i = 0;
    const auto add = [&](std::uint32_t value) { vectors_.set_context(i++, value * 16 + kk); };
    add(pack(1, around, flat));
    add(pack(1, around, flat, wider));
    add(pack(1, before, same, around & 3));
    add(pack(1, around, before));
    add(pack(1, apart, around, count));
    add(pack(1, settled, before, same));
    add(pack(1, size, flat, around));
    add(pack(1, t.dx, t.dy));
    vectors_.set_selector(0, static_cast<int>(kk));
    vectors_.set_selector(1, (around & 7) * 8 + (before & 1) * 4 + still * 2 + (wider == 3));
    vectors_.set_apm(k * 16 + flat);
    return t;
  };
  if (cost) {
    std::uint64_t passed = 0;  // bits of the candidates refused so far
    std::uint64_t least = ~std::uint64_t{0};
    Vector best = v;
    const auto consider = [&](const Vector& vector, std::uint64_t bits) {
      const std::uint64_t total = bits + cost(vector);
      if (total >= least) return;
      least = total;
      best = vector;
    };
    bool suggested = false;
    for (int k = 0; k < count; ++k) {
      const Vector t = prepare(k);
      const std::uint32_t p = vectors_.probability(0);
      consider(t, passed + cost_of(p));
      passed += cost_of(65536 - p);
      suggested = suggested || t == v;
    }
    if (!suggested) {
      consider(v, passed + bits_of(v.dx - s.middle.dx) + bits_of(v.dy - s.middle.dy));
    }
    v = best;
  }
  for (int k = 0; k < count; ++k) {
    const Vector t = prepare(k);
    if (vectors_.code(coder, v == t ? 1 : 0, 0) != 0) return t;
  }
  v.dx = code_part(coder, v.dx, 0, 0, s);
  v.dy = code_part(coder, v.dy, 1, v.dx - s.middle.dx, s);
  return v;
}

int MotionCoder::code_part(BinaryCoder& coder, int v, int part, int residual_x,
                           const Surroundings& s) {
  const auto of = [&](const Vector& vector) { return part == 0 ? vector.dx : vector.dy; };
  const int w = of(s.w), n = of(s.n), ne = of(s.ne), nw = of(s.nw), p0 = of(s.p0);
  const int predicted = of(s.middle);
  const auto c = [&](int value) { return fine_class(value - predicted); };
  const std::uint32_t spread = size_class(std::max({w, n, ne}) - std::min({w, n, ne}));
  const std::uint32_t before = size_class(p0 - predicted);
  const std::uint32_t r = fine_class(residual_x);
  numbers_.set_contexts(part,
                        {0, spread, before, r, pack(1, spread, before), pack(1, c(w), c(n), c(ne)),
                         pack(1, r, c(p0), c(w)), pack(1, c(w + n - nw))});
  const int residual = numbers_.code(coder, v - predicted);
  return std::clamp(predicted + residual, kMotionMin, kMotionMax);
}

void MotionCoder::code(BinaryCoder& coder, MotionField& motion, const MotionBitCost* cost) {
  const int width = motion.width, height = motion.height;
  Surroundings s;
  s.previous = previous_.width == width && previous_.height == height;
  const auto from = [width](const MotionField& field, int x, int y) {
    const auto i =
        static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
    return Vector{field.dx[i], field.dy[i]};
  };
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (s.previous) {
        s.p0 = from(previous_, x, y);
        s.pe = x + 1 < width ? from(previous_, x + 1, y) : s.p0;
        s.ps = y + 1 < height ? from(previous_, x, y + 1) : s.p0;
        s.pw = x > 0 ? from(previous_, x - 1, y) : s.p0;
        s.pn = y > 0 ? from(previous_, x, y - 1) : s.p0;
      }
      s.w = x > 0 ? from(motion, x - 1, y) : y > 0 ? from(motion, x, y - 1) : s.p0;
      s.n = y > 0 ? from(motion, x, y - 1) : s.w;
      s.ne = y > 0 && x + 1 < width ? from(motion, x + 1, y - 1) : s.n;
      s.nw = y > 0 && x > 0 ? from(motion, x - 1, y - 1) : s.n;
      s.ww = x > 1 ? from(motion, x - 2, y) : s.w;
      s.nn = y > 1 ? from(motion, x, y - 2) : s.n;
      s.middle = {median(s.w.dx, s.n.dx, s.ne.dx), median(s.w.dy, s.n.dy, s.ne.dy)};
      VectorBitCost here;
      if (cost != nullptr) here = [&](const Vector& t) { return (*cost)(x, y, t.dx, t.dy); };
      const Vector v = code_vector(coder, from(motion, x, y), s, here);
      const auto i = static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                     static_cast<std::size_t>(x);
      if (coder.reading() || cost != nullptr) {
        motion.dx[i] = static_cast<std::int16_t>(v.dx);
        motion.dy[i] = static_cast<std::int16_t>(v.dy);
      }
      if (coder.overrun()) throw_overrun();
    }
  }
  previous_ = motion;
}

}  // namespace semcodec::entropy
