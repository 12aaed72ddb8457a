#pragma once
// Arrays of float32 as .npy, the file format of NumPy (version 1.0: little endian, C order).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace semcodec {

/// The file's bytes. `values` holds product(shape) numbers, last dimension fastest.
/// Throws Error(internal) when it does not.
std::vector<std::uint8_t> encode_npy(std::span<const float> values,
                                     std::span<const std::int64_t> shape);

/// encode_npy() to a file that appears under its name only when complete. Throws Error(output).
void write_npy(const std::string& path, std::span<const float> values,
               std::span<const std::int64_t> shape);

}  // namespace semcodec
