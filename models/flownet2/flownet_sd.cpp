#include "models/flownet2/flownet_sd.h"

namespace semcodec {

FlowNetSDImpl::FlowNetSDImpl(const FlowNetShape& s)
    : conv0_(register_module("conv0", conv_block(6, s.channels(64), 3, 1))),
      conv1_(register_module("conv1", conv_block(s.channels(64), s.channels(64), 3, 2))),
      conv1_1_(register_module("conv1_1", conv_block(s.channels(64), s.channels(128), 3, 1))),
      conv2_(register_module("conv2", conv_block(s.channels(128), s.channels(128), 3, 2))),
      conv2_1_(register_module("conv2_1", conv_block(s.channels(128), s.channels(128), 3, 1))),
      conv3_(register_module("conv3", conv_block(s.channels(128), s.channels(256), 3, 2))),
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
          /*upsampler_bias=*/true, /*inter_convs=*/true) {}

FlowPyramid FlowNetSDImpl::forward(const torch::Tensor& x, bool finest_only) {
  const auto c1 = conv1_1_->forward(conv1_->forward(conv0_->forward(x)));
  const auto c2 = conv2_1_->forward(conv2_->forward(c1));
  const auto c3 = conv3_1_->forward(conv3_->forward(c2));
  const auto c4 = conv4_1_->forward(conv4_->forward(c3));
  const auto c5 = conv5_1_->forward(conv5_->forward(c4));
  const auto c6 = conv6_1_->forward(conv6_->forward(c5));
  return refinement_.forward({c2, c3, c4, c5, c6}, finest_only);
}

}  // namespace semcodec
