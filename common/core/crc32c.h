#pragma once
// CRC-32C (Castagnoli): polynomial 0x1edc6f41 reflected, initial value and final xor 0xffffffff.

#include <cstdint>
#include <span>

namespace semcodec {

std::uint32_t crc32c(std::span<const std::uint8_t> bytes);

}  // namespace semcodec
