#pragma once
// Reed-Solomon erasure code over GF(256) with the polynomial 0x11d (ISA-L): parity symbol j of a
// block of k symbols is the sum of symbol i times the inverse of (k + j) xor i. Any k of the k + m
// symbols give the others.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace semcodec {

using Symbol = std::vector<std::uint8_t>;

/// Symbols and parities of one block together are at most so many.
inline constexpr std::size_t kMaxBlockSymbols = 255;

/// `parities` parity symbols, each as long as the longest symbol; shorter ones count as filled up
/// with zeros.
std::vector<Symbol> make_parity(const std::vector<Symbol>& symbols, std::size_t parities);

/// The symbols of a block of `count` that are missing from `symbols` (by index), out of these and
/// `parity` (by index). Nothing when there are fewer than `count` of both together, or when a
/// symbol is longer than the parities, which are equally long.
std::optional<std::map<std::size_t, Symbol>> recover(std::size_t count,
                                                     const std::map<std::size_t, Symbol>& symbols,
                                                     const std::map<std::size_t, Symbol>& parity);

}  // namespace semcodec
