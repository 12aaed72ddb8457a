#include "common/entropy/number_coder.h"

#include <algorithm>
#include <cstdlib>

#include "common/entropy/pack.h"
#include "common/entropy/plane_coder.h"

namespace semcodec::entropy {
namespace {

constexpr int kDigits = 12;

MixerShape shape(int contexts) {
  MixerShape s;
  s.contexts = contexts;
  s.table_bits = 12;
  s.selectors = {8 * 4, 32};
  s.apm_size = 1;
  return s;
}

}  // namespace

std::uint32_t size_class(int value) {
  std::uint32_t c = 0;
  for (int m = std::abs(value); m != 0; m >>= 1) ++c;
  return value < 0 ? 16 + c : c;
}

NumberCoder::NumberCoder(int contexts) : mixer_(shape(contexts)) {}

void NumberCoder::set_contexts(int kind, std::initializer_list<std::uint32_t> values) {
  kind_ = kind;
  int i = 0;
  for (const std::uint32_t v : values) {
    mixer_.set_context(i++, v * 8 + static_cast<std::uint32_t>(kind));
  }
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
      const std::uint32_t a = size_class(green);
      const std::uint32_t b = size_class(change);
      numbers_.set_contexts((known ? 0 : 3) + static_cast<int>(part),
                            {0, a, b, size_class(earlier_change), pack(0, a, b)});
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
