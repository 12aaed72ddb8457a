#include "common/packets/block_code.h"

#include <gtest/gtest.h>

#include "common/core/error.h"
#include "tests/entropy/sample_frames.h"

namespace semcodec {
namespace {

Symbol random_symbol(test::Numbers& numbers, std::size_t length) {
  Symbol symbol(length);
  for (auto& byte : symbol) byte = static_cast<std::uint8_t>(numbers.below(256));
  return symbol;
}

TEST(BlockCode, AnyOfThemGiveTheOthers) {
  test::Numbers numbers(3);
  for (int trial = 0; trial < 300; ++trial) {
    const auto count = static_cast<std::size_t>(1 + numbers.below(trial % 10 == 0 ? 150 : 20));
    const auto parities = static_cast<std::size_t>(1 + numbers.below(40));
    std::vector<Symbol> symbols;
    for (std::size_t i = 0; i < count; ++i) {
      symbols.push_back(random_symbol(numbers, static_cast<std::size_t>(1 + numbers.below(60))));
    }
    const auto made = make_parity(symbols, parities);
    const std::size_t length = made.front().size();
    // As many are lost as can be refined, wherever they are.
    std::map<std::size_t, Symbol> there, parity;
    for (std::size_t i = 0; i < count; ++i) there[i] = symbols[i];
    for (std::size_t j = 0; j < parities; ++j) parity[j] = made[j];
    for (std::size_t lost = 0; lost < parities; ++lost) {
      auto& from = numbers.below(2) == 0 && !there.empty() ? there : parity;
      if (from.empty()) continue;
      auto at = from.begin();
      std::advance(at, numbers.below(static_cast<int>(from.size())));
      from.erase(at);
    }
    if (parity.empty()) {
      EXPECT_EQ(there.size(), count);
      continue;
    }
    const auto found = recover(count, there, parity);
    ASSERT_TRUE(found) << count << " " << parities;
    EXPECT_EQ(found->size() + there.size(), count);
    for (const auto& [index, symbol] : *found) {
      Symbol wanted = symbols[index];
      wanted.resize(length);
      EXPECT_EQ(symbol, wanted);
    }
  }
}

TEST(BlockCode, TooFewAreTooFew) {
  test::Numbers numbers(4);
  std::vector<Symbol> symbols(5, random_symbol(numbers, 10));
  const auto parity = make_parity(symbols, 2);
  EXPECT_FALSE(recover(5, {{0, symbols[0]}, {1, symbols[1]}}, {{0, parity[0]}, {1, parity[1]}}));
  EXPECT_FALSE(recover(5, {{0, symbols[0]}}, {}));
  // Symbols that do not belong to this block.
  EXPECT_FALSE(recover(2, {{0, Symbol(11)}}, {{0, Symbol(10)}}));
  EXPECT_FALSE(recover(2, {}, {{0, Symbol(10)}, {1, Symbol(9)}}));
  EXPECT_FALSE(recover(250, {}, {}));
  EXPECT_THROW(make_parity(std::vector<Symbol>(200, Symbol(1)), 56), Error);
}

// Two symbols, two parities, by hand: the figures of docs/packets.md.
TEST(BlockCode, IsTheCodeThatIsDocumented) {
  const auto parity = make_parity({{0x01}, {0x00}}, 2);
  EXPECT_EQ(parity[0][0], 0x8E);  // 1 / (2 xor 0)
  EXPECT_EQ(parity[1][0], 0xF4);  // 1 / (3 xor 0)
  const auto other = make_parity({{0x00}, {0x01}}, 2);
  EXPECT_EQ(other[0][0], 0xF4);  // 1 / (2 xor 1)
  EXPECT_EQ(other[1][0], 0x8E);  // 1 / (3 xor 1)
}

}  // namespace
}  // namespace semcodec
