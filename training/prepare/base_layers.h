#pragma once
// Makes base layers (training/base/base_layer.h) with the codec that the encoder uses, and their
// pictures with the one that the receiver uses. Links libav: part of `semcodec-train prepare` only.

#include <cstdint>
#include <string>

namespace semcodec {

struct BaseLayerOptions {
  int count = 0;           ///< layers a clip
  std::uint64_t seed = 1;  ///< of the draws
  int effort = 5;          ///< libaom's cpu-used, 0 (slow, small) to 9
};

/// Writes the layers of a frame store that are not there yet: NAME-0.base …. A clip that is too
/// short for one is named and left without. Throws Error(output | interrupted), and
/// Error(unsupported) when the codec refuses.
void write_base_layers(const std::string& frames_path, const BaseLayerOptions& options);

/// Decodes every layer in `folder` that has no pictures yet. Throws Error(corrupt) naming a layer
/// that does not decode, and Error(input) when there is none in the folder.
void expand_base_layers(const std::string& folder);

}  // namespace semcodec
