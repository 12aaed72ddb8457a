#pragma once
// How near k-means and warp come to the speed of memory, which bounds what they can reach.

namespace semcodec {

/// Measures a copy of 256 MiB (what memory gives) and one of a picture's size (what the caches
/// give), then warp and k-means on width x height pixels, in one run, and prints GB/s and the share
/// of the copies' speed. Bytes are counted as the algorithm needs them, each once.
void print_roofline(int width, int height, int runs);

}  // namespace semcodec
