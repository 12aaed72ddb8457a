#pragma once
// Tensor files in the safetensors format: an 8-byte little-endian length, a JSON header of that
// length, then the raw tensor bytes. Opening one runs no code and allocates nothing that the file
// size does not cover.
//
// What the reader insists on, each with an Error(corrupt) that names the file:
//   - the header is at least 2 bytes and at most 1 MiB and lies inside the file; it is a JSON
//     object;
//   - every entry has a known dtype (F32, F16, BF16, I64, U8), a shape of non-negative integers
//     and data_offsets [begin, end] inside the data;
//   - end - begin == product(shape) * size(dtype), computed without overflow;
//   - the tensors, sorted by offset, cover the data exactly: no gap, no overlap, no rest.
// "__metadata__" is a flat object of strings and may be absent.

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace semcodec {

using TensorMap = std::map<std::string, torch::Tensor>;
using Metadata = std::map<std::string, std::string>;

/// Largest header that is accepted, bytes.
inline constexpr std::uint64_t kMaxSafetensorsHeader = std::uint64_t{1} << 20;

/// All tensors of a file, on the CPU, each with memory of its own. `metadata` receives the file's
/// "__metadata__" when it is not null. Throws Error(input) when the file cannot be read,
/// Error(corrupt) when it is not a sound safetensors file.
TensorMap load_safetensors(const std::string& path, Metadata* metadata = nullptr);

using TensorShapes = std::map<std::string, std::vector<std::int64_t>>;

/// Names and shapes of a file's tensors, from its header alone: nothing is allocated for the data.
/// Throws as load_safetensors().
TensorShapes read_safetensors_shapes(const std::string& path);

/// Writes `tensors` (any device; dtypes as above) so that `path` appears only when complete.
/// The data are laid out in the order of the map, so equal content gives equal bytes.
/// Throws Error(output).
void save_safetensors(const std::string& path, const TensorMap& tensors,
                      const Metadata& metadata = {});

/// Parameters and buffers of a module by their dotted names. The tensors share memory with the
/// module's.
TensorMap state_of(const torch::nn::Module& module);

/// Copies `tensors` into the parameters and buffers of `module` (converted to their dtype and
/// device). Every tensor of the module must be there with the same shape; with `strict`, the map
/// must hold nothing else. `file` only names the origin in the sentence of the Error(corrupt),
/// which lists the first names that differ.
void load_into(torch::nn::Module& module, const TensorMap& tensors, const std::string& file,
               bool strict = true);

/// load_safetensors() and load_into() in one; returns the file's metadata.
Metadata load_module(torch::nn::Module& module, const std::string& path, bool strict = true);

}  // namespace semcodec
