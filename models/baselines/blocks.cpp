#include "models/baselines/blocks.h"

namespace semcodec {

namespace nn = torch::nn;

namespace {

nn::Conv2d convolution(int in, int out, int kernel, int stride = 1, int padding = 0) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding));
}

nn::InstanceNorm2d normalisation(int channels) {
  return nn::InstanceNorm2d(nn::InstanceNorm2dOptions(channels));
}

}  // namespace

nn::Sequential baseline_stem(int in, int out) {
  return nn::Sequential(nn::ReflectionPad2d(3), convolution(in, out, 7), normalisation(out),
                        nn::ReLU());
}

void append_down(nn::Sequential& net, int in, int out, int stride) {
  net->push_back(convolution(in, out, 3, stride, 1));
  net->push_back(normalisation(out));
  net->push_back(nn::ReLU());
}

void append_up(nn::Sequential& net, int in, int out) {
  net->push_back(nn::ConvTranspose2d(
      nn::ConvTranspose2dOptions(in, out, 3).stride(2).padding(1).output_padding(1)));
  net->push_back(normalisation(out));
  net->push_back(nn::ReLU());
}

nn::Sequential baseline_head(int in, int out) {
  return nn::Sequential(nn::ReflectionPad2d(3), convolution(in, out, 7));
}

NormalisedBlockImpl::NormalisedBlockImpl(int channels) {
  body_ = register_module(
      "body", nn::Sequential(nn::ReflectionPad2d(1), convolution(channels, channels, 3),
                             normalisation(channels), nn::ReLU(), nn::ReflectionPad2d(1),
                             convolution(channels, channels, 3), normalisation(channels)));
}

torch::Tensor NormalisedBlockImpl::forward(const torch::Tensor& x) { return x + body_->forward(x); }

InvertedBlockImpl::InvertedBlockImpl(int channels) {
  const auto separate =
      nn::Conv2d(nn::Conv2dOptions(channels, channels, 3).padding(1).groups(channels));
  body_ = register_module(
      "body", nn::Sequential(convolution(channels, channels, 1), normalisation(channels),
                             nn::ReLU6(), separate, normalisation(channels), nn::ReLU6(),
                             convolution(channels, channels, 1), normalisation(channels)));
}

torch::Tensor InvertedBlockImpl::forward(const torch::Tensor& x) { return x + body_->forward(x); }

void append_blocks(nn::Sequential& net, int channels, int blocks, bool light) {
  for (int i = 0; i < blocks; ++i) {
    if (light) {
      net->push_back(InvertedBlock(channels));
    } else {
      net->push_back(NormalisedBlock(channels));
    }
  }
}

void start_small(nn::Module& net) {
  const torch::NoGradGuard guard;
  for (const auto& item : net.named_parameters()) {
    if (item.value().dim() == 4) item.value().normal_(0, 0.02);
  }
}

}  // namespace semcodec
