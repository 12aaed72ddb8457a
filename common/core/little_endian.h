#pragma once
// Integers as bytes, lowest first: what streams, stores and tensor files are made of. A caller
// checks that the bytes are there.

#include <cstddef>
#include <cstdint>

namespace semcodec {

/// The lowest `bytes` bytes of `value` (at most 8) to `out`.
inline void put_little(std::uint8_t* out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

/// The same behind the end of a std::vector<std::uint8_t> or a std::string.
template <typename Bytes>
void append_little(Bytes& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    out.push_back(static_cast<typename Bytes::value_type>(value >> (8 * i)));
  }
}

/// The number in `bytes` bytes (at most 8) from `in`.
inline std::uint64_t get_little(const std::uint8_t* in, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::uint64_t{in[i]} << (8 * i);
  return value;
}

}  // namespace semcodec
