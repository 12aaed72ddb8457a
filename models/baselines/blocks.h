#pragma once
// Layers that pix2pixHD, vid2vid and Fast-vid2vid are made of (Wang et al. 2018, arXiv 1711.11585
// and 1808.06601; Zhuo et al. 2022, arXiv 2207.05049). Borders are mirrored, each convolution but
// the last is followed by instance normalisation without weights and ReLU, and weights start as
// N(0, 0.02).
//
// The authors' vid2vid and Fast-vid2vid normalise over the batch. Here it is the instance, as in
// pix2pixHD: batches of a few crops have no statistics to speak of, and no running averages travel
// beside the weights.

#include <torch/torch.h>

namespace semcodec {

/// Mirrored border of 3, convolution 7×7, normalisation, ReLU: N×in×H×W -> N×out×H×W.
torch::nn::Sequential baseline_stem(int in, int out);

/// Appends convolution 3×3, normalisation, ReLU. Stride 2 halves the sides.
void append_down(torch::nn::Sequential& net, int in, int out, int stride = 2);

/// Appends a transposed convolution 3×3 of stride 2, normalisation, ReLU: doubles the sides.
void append_up(torch::nn::Sequential& net, int in, int out);

/// Mirrored border of 3 and convolution 7×7, without activation.
torch::nn::Sequential baseline_head(int in, int out);

/// x + norm(conv(relu(norm(conv(x))))), convolutions 3×3 with a mirrored border of 1.
class NormalisedBlockImpl : public torch::nn::Module {
 public:
  explicit NormalisedBlockImpl(int channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Sequential body_{nullptr};
};
TORCH_MODULE(NormalisedBlock);

/// x + the inverted residual of MobileNetV2 with expansion 1: convolution 1×1, 3×3 of each channel
/// alone, 1×1; normalised, ReLU6 after the first two.
class InvertedBlockImpl : public torch::nn::Module {
 public:
  explicit InvertedBlockImpl(int channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Sequential body_{nullptr};
};
TORCH_MODULE(InvertedBlock);

/// Appends so many blocks, of the one kind or the other.
void append_blocks(torch::nn::Sequential& net, int channels, int blocks, bool light);

/// Draws the weights of all convolutions from N(0, 0.02), as the authors do; biases stay.
void start_small(torch::nn::Module& net);

}  // namespace semcodec
