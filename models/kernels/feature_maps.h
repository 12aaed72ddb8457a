#pragma once
// Passes over feature maps between convolutions that only run (fused_conv.h), on the CPU, each once
// through memory: activations, enlargement by sub-pixels, folding of pictures into channels.
//
// Maps are 1×C×H×W in channels-last memory, bfloat16 or float. Sums are computed in float.

#include <torch/torch.h>

#include <cstdint>

namespace semcodec {

/// A map and its leaky ReLU (slope 0.2), which is what the next convolution takes.
struct ActiveMap {
  torch::Tensor sum, active;
};

/// Leaky ReLU of a map.
torch::Tensor leaky(const torch::Tensor& map);
void leaky_(torch::Tensor& map);

/// The order of the 4·C outputs of a convolution before pixel_shuffle(2) in which all channels of a
/// sub-pixel stand together: output s·C + c of `weight` (or a bias) is torch's 4·c + s. A shuffle
/// then copies runs of channels. The calls below expect this order.
torch::Tensor by_sub_pixel(const torch::Tensor& weight);

/// skip + pixel_shuffle(map, 2), and its activation. skip: 1×C×2h×2w of map: 1×4C×h×w.
ActiveMap add_shuffled(const torch::Tensor& skip, const torch::Tensor& map);
/// The same where only the leaky ReLU of the skip was kept, which is undone: that saves a pass over
/// it, and storing it, for one more rounding where it is negative.
ActiveMap add_shuffled_to_active(const torch::Tensor& active_skip, const torch::Tensor& map);
/// The activation of that alone.
torch::Tensor add_shuffled_active(const torch::Tensor& active_skip, const torch::Tensor& map);
/// pixel_shuffle(map, 2) to channels offset … of `to`.
void shuffle_into(const torch::Tensor& map, torch::Tensor& to, std::int64_t offset);

/// pixel_unshuffle(picture, factor) to channels offset … of `to`. picture: 1×C×H×W float, planes
/// (contiguous); factor 1, 2 or 4.
void fold_into(const torch::Tensor& picture, int factor, torch::Tensor& to, std::int64_t offset);
/// Sets channels offset … to 0.
void clear_from(torch::Tensor& to, std::int64_t offset);

}  // namespace semcodec
