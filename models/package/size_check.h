#pragma once
// Whether the sizes that model.json names are those of the weights beside it. A network is built
// before its weights are loaded, so without this a few hundred bytes could ask for any amount of
// memory.

#include <string>

#include "models/core/safetensors.h"
#include "models/generator/generator.h"
#include "models/generator/restorer.h"

namespace semcodec {

/// Compares every size of `config` with the shapes of the tensors that it decides; `file` names the
/// weights. Throws Error(corrupt) with the first size that differs. What passes builds a network of
/// about as many parameters as the file has.
void check_sizes(const GeneratorConfig& config, const TensorShapes& shapes,
                 const std::string& file);
void check_sizes(const RestorerConfig& config, const TensorShapes& shapes, const std::string& file);
void check_sizes(const TextureConfig& config, const TensorShapes& shapes, const std::string& file);

}  // namespace semcodec
