#include "models/flownet2/flownet_s.h"

namespace semcodec {

FlowNetSImpl::FlowNetSImpl(const FlowNetShape& s, int in_channels)
    : conv1_(register_module("conv1", conv_block(in_channels, s.channels(64), 7, 2))),
      conv2_(register_module("conv2", conv_block(s.channels(64), s.channels(128), 5, 2))),
      conv3_(register_module("conv3", conv_block(s.channels(128), s.channels(256), 5, 2))),
      conv3_1_(register_module("conv3_1", conv_block(s.channels(256), s.channels(256), 3, 1))),
      conv4_(register_module("conv4", conv_block(s.channels(256), s.channels(512), 3, 2))),
      conv4_1_(register_module("conv4_1", conv_block(s.channels(512), s.channels(512), 3, 1))),
      conv5_(register_module("conv5", conv_block(s.channels(512), s.channels(512), 3, 2))),
      conv5_1_(register_module("conv5_1", conv_block(s.channels(512), s.channels(512), 3, 1))),
      conv6_(register_module("conv6", conv_block(s.channels(512), s.channels(1024), 3, 2))),
      conv6_1_(register_module("conv6_1", conv_block(s.channels(1024), s.channels(1024), 3, 1))),
      refinement_(
          *this, s,
          {s.channels(128), s.channels(256), s.channels(512), s.channels(512), s.channels(1024)},
          /*upsampler_bias=*/false, /*inter_convs=*/false) {}

FlowPyramid FlowNetSImpl::forward(const torch::Tensor& x, bool finest_only) {
  const auto c2 = conv2_->forward(conv1_->forward(x));
  const auto c3 = conv3_1_->forward(conv3_->forward(c2));
  const auto c4 = conv4_1_->forward(conv4_->forward(c3));
  const auto c5 = conv5_1_->forward(conv5_->forward(c4));
  const auto c6 = conv6_1_->forward(conv6_->forward(c5));
  return refinement_.forward({c2, c3, c4, c5, c6}, finest_only);
}

}  // namespace semcodec
