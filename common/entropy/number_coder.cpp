#include "common/entropy/number_coder.h"

#include <algorithm>
#include <cstdlib>

#include "common/entropy/plane_coder.h"

namespace semcodec::entropy {
namespace {

constexpr int kDigits = 12;

MixerShape shape() {
  MixerShape s;
  s.contexts = 5;
  s.table_bits = 12;
  s.selectors = {8 * 4, 32};
  s.apm_size = 1;
  return s;
}

int median(int a, int b, int c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

// 0, then sign and size class.
std::uint32_t size_class(int value) {
  std::uint32_t c = 0;
  for (int m = std::abs(value); m != 0; m >>= 1) ++c;
  return value < 0 ? 16 + c : c;
}

}  // namespace

NumberCoder::NumberCoder() : mixer_(shape()) {}

void NumberCoder::set_contexts(int kind, std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  kind_ = kind;
  const auto k = static_cast<std::uint32_t>(kind);
  mixer_.set_context(0, k);
  mixer_.set_context(1, a * 8 + k);
  mixer_.set_context(2, b * 8 + k);
  mixer_.set_context(3, c * 8 + k);
  mixer_.set_context(4, (a * 0x2f0b4c47u + b) * 8 + k);
}

int NumberCoder::code(BinaryCoder& coder, int value) {
  mixer_.set_selector(0, kind_ * 4);
  mixer_.set_selector(1, 0);
  if (mixer_.code(coder, value != 0 ? 1 : 0, 0) == 0) return 0;
  mixer_.set_selector(0, kind_ * 4 + 1);
  mixer_.set_selector(1, 1);
  const int negative = mixer_.code(coder, value < 0 ? 1 : 0, 1);
  const int magnitude = std::abs(value);
  int digits = 1;
  mixer_.set_selector(0, kind_ * 4 + 2);
  while (digits < kDigits) {
    mixer_.set_selector(1, 2 + digits);
    if (mixer_.code(coder, (magnitude >> digits) != 0 ? 1 : 0,
                    static_cast<std::uint32_t>(1 + digits)) == 0) {
      break;
    }
    ++digits;
  }
  int found = 1;
  mixer_.set_selector(0, kind_ * 4 + 3);
  for (int d = digits - 2; d >= 0; --d) {
    mixer_.set_selector(1, 15 + d);
    // The highest two digits after the first are seen in full, lower ones by position.
    const int known = digits - 2 - d;
    const auto node =
        static_cast<std::uint32_t>(32 + (digits * 16 + d) * 8 + (known < 2 ? found : 4));
    found = found << 1 | mixer_.code(coder, (magnitude >> d) & 1, node);
  }
  return negative != 0 ? -found : found;
}

void MotionCoder::code(BinaryCoder& coder, MotionField& motion) {
  const bool same_size = previous_.width == motion.width && previous_.height == motion.height;
  const auto width = static_cast<std::size_t>(motion.width);
  std::vector<std::int16_t>* parts[2] = {&motion.dx, &motion.dy};
  const std::vector<std::int16_t>* earlier[2] = {&previous_.dx, &previous_.dy};
  for (std::size_t i = 0; i < motion.dx.size(); ++i) {
    const bool has_west = i % width != 0;
    const bool has_north = i >= width;
    const bool has_northeast = has_north && (i + 1) % width != 0;
    int other = 0;
    for (int part = 0; part < 2; ++part) {
      auto& v = *parts[part];
      const int was = same_size ? (*earlier[part])[i] : 0;
      const int west = has_west ? v[i - 1] : has_north ? v[i - width] : was;
      const int north = has_north ? v[i - width] : west;
      const int northeast = has_northeast ? v[i + 1 - width] : north;
      const int predicted = median(west, north, northeast);
      const int spread = std::max({west, north, northeast}) - std::min({west, north, northeast});
      numbers_.set_contexts(part, size_class(spread), size_class(was - predicted),
                            size_class(other));
      const int residual = numbers_.code(coder, v[i] - predicted);
      if (coder.reading()) {
        v[i] = static_cast<std::int16_t>(std::clamp(predicted + residual, kMotionMin, kMotionMax));
        if (coder.overrun()) throw_overrun();
      }
      other = residual;
    }
  }
  previous_ = motion;
}

void PaletteCoder::code(BinaryCoder& coder, Palette& palette) {
  int earlier_change = 0;
  for (std::size_t i = 0; i < palette.size(); ++i) {
    const bool known = i < previous_.size();
    std::array<std::uint8_t, 3> from{128, 128, 128};
    if (known) {
      from = previous_[i];
    } else if (i > 0) {
      from = palette[i - 1];
    }
    // Green first: the other two follow its change.
    int green = 0;
    int change = 0;
    for (const std::size_t part : {std::size_t{1}, std::size_t{0}, std::size_t{2}}) {
      const int predicted = std::clamp(from[part] + green, 0, 255);
      numbers_.set_contexts((known ? 0 : 3) + static_cast<int>(part), size_class(green),
                            size_class(change), size_class(earlier_change));
      const int residual = numbers_.code(coder, palette[i][part] - predicted);
      if (coder.reading()) {
        palette[i][part] = static_cast<std::uint8_t>(std::clamp(predicted + residual, 0, 255));
        if (coder.overrun()) throw_overrun();
      }
      if (part == 1) green = residual;
      change = residual;
    }
    earlier_change = green;
  }
  previous_ = palette;
}

}  // namespace semcodec::entropy
