#include "models/flownet2/flownet_fusion.h"

namespace semcodec {
namespace {

// Width of the three joined inputs of the expanding half.
int joined1(const FlowNetShape& s) { return s.channels(128) + s.channels(32) + 2; }
int joined0(const FlowNetShape& s) { return s.channels(64) + s.channels(16) + 2; }

}  // namespace

FlowNetFusionImpl::FlowNetFusionImpl(const FlowNetShape& s)
    : conv0_(register_module("conv0", conv_block(11, s.channels(64), 3, 1))),
      conv1_(register_module("conv1", conv_block(s.channels(64), s.channels(64), 3, 2))),
      conv1_1_(register_module("conv1_1", conv_block(s.channels(64), s.channels(128), 3, 1))),
      conv2_(register_module("conv2", conv_block(s.channels(128), s.channels(128), 3, 2))),
      conv2_1_(register_module("conv2_1", conv_block(s.channels(128), s.channels(128), 3, 1))),
      deconv1_(register_module("deconv1", deconv_block(s.channels(128), s.channels(32)))),
      deconv0_(register_module("deconv0", deconv_block(joined1(s), s.channels(16)))),
      inter_conv1_(register_module("inter_conv1", inter_conv_block(joined1(s), s.channels(32)))),
      inter_conv0_(register_module("inter_conv0", inter_conv_block(joined0(s), s.channels(16)))),
      predict_flow2_(register_module("predict_flow2", flow_head(s.channels(128)))),
      predict_flow1_(register_module("predict_flow1", flow_head(s.channels(32)))),
      predict_flow0_(register_module("predict_flow0", flow_head(s.channels(16)))),
      up2_to_1_(register_module("upsampled_flow2_to_1", flow_upsampler(true))),
      up1_to_0_(register_module("upsampled_flow1_to_0", flow_upsampler(true))) {}

FlowPyramid FlowNetFusionImpl::forward(const torch::Tensor& x) {
  const auto c0 = conv0_->forward(x);
  const auto c1 = conv1_1_->forward(conv1_->forward(c0));
  const auto c2 = conv2_1_->forward(conv2_->forward(c1));
  const auto flow2 = predict_flow2_->forward(c2);
  const auto j1 = torch::cat({c1, deconv1_->forward(c2), up2_to_1_->forward(flow2)}, 1);
  const auto flow1 = predict_flow1_->forward(inter_conv1_->forward(j1));
  const auto j0 = torch::cat({c0, deconv0_->forward(j1), up1_to_0_->forward(flow1)}, 1);
  const auto flow0 = predict_flow0_->forward(inter_conv0_->forward(j0));
  return {flow0.to(torch::kFloat), flow1.to(torch::kFloat), flow2.to(torch::kFloat)};
}

torch::Tensor FlowNetFusionImpl::forward_reduced(const torch::Tensor& x, int factor) {
  const auto c1 = conv1_1_->forward(conv1_->forward(conv0_->forward(x)));
  const auto c2 = conv2_1_->forward(conv2_->forward(c1));
  const auto flow2 = predict_flow2_->forward(c2);
  if (factor == 4) return flow2.to(torch::kFloat);
  const auto j1 = torch::cat({c1, deconv1_->forward(c2), up2_to_1_->forward(flow2)}, 1);
  return predict_flow1_->forward(inter_conv1_->forward(j1)).to(torch::kFloat);
}

}  // namespace semcodec
