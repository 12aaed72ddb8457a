#pragma once
// One network alone: pictures in, its output to a file.

#include <string>
#include <vector>

namespace semcodec {

struct TryRequest {
  std::string network;             ///< one of network_names()
  std::string weights;             ///< a .safetensors file or a name, see resolve_weights()
  std::vector<std::string> files;  ///< pictures, then the output (none for lpips-*)
  std::string device = "auto";
  std::string backbone;  ///< lpips-*: the feature network's weights; empty: those of the manifest
  float longest = 0;     ///< flow pictures: pixels of full saturation; 0 = the longest vector
  bool fast = false;     ///< compute in the number format of the codec instead of float32
  bool overwrite = false;
};

/// pidinet, pidinet-small, pidinet-tiny, flownet2, flownet2-c, -s, -sd, -cs, -css, lpips-squeeze,
/// lpips-alex, lpips-vgg.
std::vector<std::string> network_names();

/// Runs it. Edges go to .npy (float32 H x W in 0..1) or .png; flow to .flo, .npy (float32
/// 2 x H x W, pixels) or .png (flow_colours()); a distance to stdout. Throws Error(usage) for
/// what does not fit the network, Error(input), Error(corrupt), Error(output), Error(device).
void try_network(const TryRequest& request);

}  // namespace semcodec
