#include "common/core/text.h"

#include <cstddef>

namespace semcodec {
namespace {

/// A character of UTF-8 at the start of a text.
struct Character {
  std::size_t length = 0;  ///< in bytes; 0 = the bytes are no UTF-8
  char32_t code = 0;
};

Character character_at(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {1, first};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  char32_t code = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (overlong || surrogate || code > 0x10ffff) return {};
  return {length, code};
}

bool acts_on_terminals(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool direction = c == 0x061c || c == 0x200e || c == 0x200f ||
                         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return control || direction;
}

}  // namespace

std::string printable(std::string_view text, bool keep_lines) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text.substr(at));
    const std::size_t length = c.length == 0 ? 1 : c.length;
    const bool layout = keep_lines && (c.code == '\n' || c.code == '\t');
    if (c.length > 0 && (layout || !acts_on_terminals(c.code))) {
      out.append(text.substr(at, length));
    } else {
      for (std::size_t i = at; i < at + length; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
      }
    }
    at += length;
  }
  return out;
}

}  // namespace semcodec
