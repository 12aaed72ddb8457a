#include "common/packets/block_code.h"

#include <isa-l/erasure_code.h>

#include <algorithm>

#include "common/core/error.h"

namespace semcodec {
namespace {

/// Products of `rows` x `columns` coefficients with symbols of equal length.
std::vector<Symbol> multiply(std::vector<std::uint8_t> coefficients, std::size_t rows,
                             std::size_t columns, std::vector<Symbol> symbols) {
  const std::size_t length = symbols.empty() ? 0 : symbols.front().size();
  std::vector<Symbol> out(rows, Symbol(length));
  if (length == 0 || rows == 0) return out;
  std::vector<std::uint8_t> tables(32 * rows * columns);
  std::vector<std::uint8_t*> from, to;
  for (Symbol& symbol : symbols) from.push_back(symbol.data());
  for (Symbol& symbol : out) to.push_back(symbol.data());
  ec_init_tables(static_cast<int>(columns), static_cast<int>(rows), coefficients.data(),
                 tables.data());
  ec_encode_data(static_cast<int>(length), static_cast<int>(columns), static_cast<int>(rows),
                 tables.data(), from.data(), to.data());
  return out;
}

std::uint8_t coefficient(std::size_t count, std::size_t parity, std::size_t symbol) {
  return gf_inv(static_cast<unsigned char>((count + parity) ^ symbol));
}

}  // namespace

std::vector<Symbol> make_parity(const std::vector<Symbol>& symbols, std::size_t parities) {
  const std::size_t count = symbols.size();
  require(count >= 1 && count + parities <= kMaxBlockSymbols, ErrorKind::internal,
          "A block of forward error correction is too large.");
  std::size_t length = 0;
  for (const Symbol& symbol : symbols) length = std::max(length, symbol.size());
  std::vector<Symbol> padded = symbols;
  for (Symbol& symbol : padded) symbol.resize(length);
  std::vector<std::uint8_t> rows;
  for (std::size_t j = 0; j < parities; ++j) {
    for (std::size_t i = 0; i < count; ++i) rows.push_back(coefficient(count, j, i));
  }
  return multiply(std::move(rows), parities, count, std::move(padded));
}

std::optional<std::map<std::size_t, Symbol>> recover(std::size_t count,
                                                     const std::map<std::size_t, Symbol>& symbols,
                                                     const std::map<std::size_t, Symbol>& parity) {
  const std::size_t missing = count - std::min(count, symbols.size());
  if (count < 1 || missing > parity.size() || parity.empty()) return std::nullopt;
  const std::size_t length = parity.begin()->second.size();
  // The rows of what is there; inverted, they say how the symbols follow from it.
  std::vector<std::uint8_t> rows;
  std::vector<Symbol> there;
  const auto add = [&](const Symbol& symbol) {
    there.push_back(symbol);
    there.back().resize(length);
  };
  for (const auto& [index, symbol] : symbols) {
    if (index >= count || symbol.size() > length) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) rows.push_back(i == index ? 1 : 0);
    add(symbol);
  }
  for (const auto& [index, symbol] : parity) {
    if (there.size() == count) break;
    if (symbol.size() != length || count + index >= kMaxBlockSymbols) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) rows.push_back(coefficient(count, index, i));
    add(symbol);
  }
  std::vector<std::uint8_t> inverse(count * count);
  if (gf_invert_matrix(rows.data(), inverse.data(), static_cast<int>(count)) != 0) {
    return std::nullopt;
  }
  std::vector<std::uint8_t> wanted;
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < count; ++i) {
    if (symbols.contains(i)) continue;
    indices.push_back(i);
    const auto row = inverse.begin() + static_cast<std::ptrdiff_t>(i * count);
    wanted.insert(wanted.end(), row, row + static_cast<std::ptrdiff_t>(count));
  }
  std::vector<Symbol> found = multiply(std::move(wanted), indices.size(), count, std::move(there));
  std::map<std::size_t, Symbol> out;
  for (std::size_t i = 0; i < indices.size(); ++i) out[indices[i]] = std::move(found[i]);
  return out;
}

}  // namespace semcodec
