#pragma once
// How near k-means and warp come to the speed of memory, which bounds what they can reach.

#include <torch/torch.h>

namespace semcodec {

/// Measures a copy of 256 MiB (what memory gives) and one of a picture's size (what the caches
/// give), then warp and k-means on width x height pixels, in one run, and prints GB/s and the share
/// of the copies' speed. Bytes are counted as the algorithm needs them, each once.
void print_roofline(int width, int height, int runs);

/// The same on a GPU, at sizes of their own that are several times its second-level cache: a copy
/// of 512 MiB, warp and channel norm on two pictures of 3840x2160, FlowNetC's correlation (which
/// arithmetic bounds, so it is also compared with torch's matrix product in fp32), and k-means of
/// 16 million points. Times are the device's alone.
void print_cuda_roofline(torch::Device device, int runs);

}  // namespace semcodec
