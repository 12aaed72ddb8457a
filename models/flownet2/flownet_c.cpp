#include "models/flownet2/flownet_c.h"

#include "models/kernels/correlation.h"

namespace semcodec {
namespace {
constexpr int kCorrelationStride = 2;
}

FlowNetCImpl::FlowNetCImpl(const FlowNetShape& s)
    : max_displacement_(s.max_displacement),
      conv1_(register_module("conv1", conv_block(3, s.channels(64), 7, 2))),
      conv2_(register_module("conv2", conv_block(s.channels(64), s.channels(128), 5, 2))),
      conv3_(register_module("conv3", conv_block(s.channels(128), s.channels(256), 5, 2))),
      conv_redir_(register_module("conv_redir", conv_block(s.channels(256), s.channels(32), 1, 1))),
      conv3_1_(register_module(
          "conv3_1",
          conv_block(s.channels(32) + correlation_channels(s.max_displacement, kCorrelationStride),
                     s.channels(256), 3, 1))),
      conv4_(register_module("conv4", conv_block(s.channels(256), s.channels(512), 3, 2))),
      conv4_1_(register_module("conv4_1", conv_block(s.channels(512), s.channels(512), 3, 1))),
      conv5_(register_module("conv5", conv_block(s.channels(512), s.channels(512), 3, 2))),
      conv5_1_(register_module("conv5_1", conv_block(s.channels(512), s.channels(512), 3, 1))),
      conv6_(register_module("conv6", conv_block(s.channels(512), s.channels(1024), 3, 2))),
      conv6_1_(register_module("conv6_1", conv_block(s.channels(1024), s.channels(1024), 3, 1))),
      refinement_(
          *this, s,
          {s.channels(128), s.channels(256), s.channels(512), s.channels(512), s.channels(1024)},
          /*upsampler_bias=*/true, /*inter_convs=*/false) {}

FlowPyramid FlowNetCImpl::forward(const torch::Tensor& x, bool finest_only) {
  // Both pictures go through the towers as one batch: half the calls, the same arithmetic.
  const auto n = x.size(0);
  const auto both = torch::cat({x.slice(1, 0, 3), x.slice(1, 3, 6)}, 0);
  const auto c2 = conv2_->forward(conv1_->forward(both));
  const auto c3 = conv3_->forward(c2);
  const auto c3a = c3.slice(0, 0, n), c3b = c3.slice(0, n);
  auto compared = correlation(c3a, c3b, max_displacement_, kCorrelationStride);
  // Not in place: autograd keeps the output of the correlation's own function.
  compared = torch::leaky_relu(compared, 0.1);
  const auto c3_1 = conv3_1_->forward(torch::cat({conv_redir_->forward(c3a), compared}, 1));
  const auto c4 = conv4_1_->forward(conv4_->forward(c3_1));
  const auto c5 = conv5_1_->forward(conv5_->forward(c4));
  const auto c6 = conv6_1_->forward(conv6_->forward(c5));
  return refinement_.forward({c2.slice(0, 0, n), c3_1, c4, c5, c6}, finest_only);
}

}  // namespace semcodec
