#include "models/flownet2/flownet2.h"

#include <algorithm>
#include <array>

#include "common/core/error.h"
#include "models/kernels/channel_norm.h"
#include "models/kernels/resample.h"

namespace semcodec {
namespace {

namespace F = torch::nn::functional;

constexpr std::array<const char*, 6> kVariantNames{"full", "css", "cs", "c", "s", "sd"};

constexpr std::int64_t kSizeMultiple = 64;

torch::Tensor upsample(const torch::Tensor& flow, double factor, bool bilinear) {
  if (factor == 1.0) return flow;
  auto options = F::InterpolateFuncOptions().scale_factor(std::vector<double>{factor, factor});
  if (bilinear) {
    options.mode(torch::kBilinear).align_corners(false);
  } else {
    options.mode(torch::kNearest);
  }
  return F::interpolate(flow, options);
}

torch::ScalarType weight_type(const torch::nn::Module& module) {
  return module.parameters().front().scalar_type();
}

// In the type and memory order in which convolutions run fastest.
torch::Tensor prepared(const std::vector<torch::Tensor>& parts, torch::ScalarType type) {
  return torch::cat(parts, 1).to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

std::int64_t round_up(std::int64_t size) {
  return (size + kSizeMultiple - 1) / kSizeMultiple * kSizeMultiple;
}

// Repeats the right and lower border. replication_pad2d has no bf16 version everywhere and needs
// two passes for wide pads; picking rows and columns does the same.
torch::Tensor pad_to(const torch::Tensor& image, std::int64_t height, std::int64_t width) {
  auto out = image;
  for (const auto& [dim, size] : {std::pair{std::int64_t{2}, height}, {std::int64_t{3}, width}}) {
    if (out.size(dim) == size) continue;
    const auto last = out.narrow(dim, out.size(dim) - 1, 1);
    std::vector<std::int64_t> shape = last.sizes().vec();
    shape[static_cast<std::size_t>(dim)] = size - out.size(dim);
    out = torch::cat({out, last.expand(shape)}, dim);
  }
  return out;
}

}  // namespace

std::string to_text(FlowNet2Variant variant) {
  return kVariantNames.at(static_cast<std::size_t>(variant));
}

FlowNet2Variant flownet2_variant_from_text(const std::string& text) {
  const auto found = std::find(kVariantNames.begin(), kVariantNames.end(), text);
  require(found != kVariantNames.end(), ErrorKind::usage,
          "\"" + text + "\" is no FlowNet2 variant; use full, css, cs, c, s or sd.");
  return static_cast<FlowNet2Variant>(found - kVariantNames.begin());
}

struct FlowNet2Impl::Request {
  int factor = 1;             // out.flow at 1/factor of the resolution: 1, 2 or 4
  bool keep_members = false;  // pyramids for the losses
  bool detach = false;
};

FlowNet2Impl::FlowNet2Impl(const FlowNet2Options& options) : options_(options) {
  require(options.width > 0.0 && options.width <= 2.0, ErrorKind::usage,
          "The width of FlowNet2 must lie above 0 and be at most 2.");
  require(options.max_displacement >= 2 && options.max_displacement <= 64 &&
              options.max_displacement % 2 == 0,
          ErrorKind::usage,
          "The correlation displacement of FlowNet2 must be even and lie in 2 to 64.");
  const FlowNetShape shape{options.width, options.max_displacement};
  using V = FlowNet2Variant;
  const auto v = options.variant;
  const bool chain = v == V::full || v == V::css || v == V::cs;
  if (chain || v == V::c) flownetc_ = register_module("flownetc", FlowNetC(shape));
  if (chain) flownets_1_ = register_module("flownets_1", FlowNetS(shape, 12));
  if (v == V::s) flownets_1_ = register_module("flownets_1", FlowNetS(shape, 6));
  if (v == V::full || v == V::css) flownets_2_ = register_module("flownets_2", FlowNetS(shape, 12));
  if (v == V::full || v == V::sd) flownets_d_ = register_module("flownets_d", FlowNetSD(shape));
  if (v == V::full) flownetfusion_ = register_module("flownetfusion", FlowNetFusion(shape));
  initialise_flow_net(*this);
}

FlowNet2Output FlowNet2Impl::run(const torch::Tensor& image0, const torch::Tensor& image1,
                                 const Request& request) {
  const auto type = weight_type(*this);
  auto x0 = image0.to(torch::kFloat), x1 = image1.to(torch::kFloat);
  // One mean per colour over both pictures.
  const auto mean = (x0.mean({2, 3}, true) + x1.mean({2, 3}, true)) * 0.5;
  x0 = x0 - mean;
  x1 = x1 - mean;
  const auto pair = prepared({x0, x1}, type);

  FlowNet2Output out;
  const auto predict = [&](auto& member, const char* name, const torch::Tensor& input,
                           double to_pixels) {
    auto pyramid = member->forward(input, !request.keep_members);
    const auto quarter = pyramid[0] * to_pixels;
    if (request.keep_members) out.members.push_back({name, to_pixels, std::move(pyramid)});
    return request.detach ? quarter.detach() : quarter;
  };

  torch::Tensor quarter;       // of the chain, pixels
  bool chain_bilinear = true;  // how the published network upsamples this member's flow
  // The 12 channels in front of a refining FlowNetS.
  const auto refine = [&](FlowNetS& member, const char* name) {
    const auto flow = upsample(quarter, 4, true);
    const auto warped = resample(x1, flow);
    const auto error = channel_norm(x0 - warped);
    quarter = predict(member, name, prepared({x0, x1, warped, flow / kFlowDivisor, error}, type),
                      kFlowDivisor);
  };

  if (!flownetc_.is_empty()) quarter = predict(flownetc_, "flownetc", pair, kFlowDivisor);
  if (!flownets_1_.is_empty()) {
    if (quarter.defined()) {
      refine(flownets_1_, "flownets_1");
    } else {
      quarter = predict(flownets_1_, "flownets_1", pair, kFlowDivisor);
    }
  }
  if (!flownets_2_.is_empty()) {
    refine(flownets_2_, "flownets_2");
    chain_bilinear = false;
  }
  torch::Tensor small;
  if (!flownets_d_.is_empty()) {
    // Published alone, FlowNet2-SD has the units and the upsampling of C and S; only as a member of
    // the whole does it predict flow · 20 (NVIDIA/flownet2-pytorch, models.py and issue 37).
    const bool alone = !quarter.defined();
    small = predict(flownets_d_, "flownets_d", pair, alone ? kFlowDivisor : 1.0 / kFlowDivisor);
    if (alone) quarter = small;
  }

  if (flownetfusion_.is_empty()) {
    out.flow = upsample(quarter, 4.0 / request.factor, chain_bilinear);
    return out;
  }
  const auto flow_sd = upsample(small, 4, false), flow_s2 = upsample(quarter, 4, false);
  const auto error_sd = channel_norm(x0 - resample(x1, flow_sd));
  const auto error_s2 = channel_norm(x0 - resample(x1, flow_s2));
  const auto joined = prepared(
      {x0, flow_sd, flow_s2, channel_norm(flow_sd), channel_norm(flow_s2), error_sd, error_s2},
      type);
  if (request.factor == 1) {
    auto pyramid = flownetfusion_->forward(joined);
    out.flow = pyramid[0];
    if (request.keep_members) out.members.push_back({"flownetfusion", 1.0, std::move(pyramid)});
  } else {
    out.flow = flownetfusion_->forward_reduced(joined, request.factor);
  }
  return out;
}

torch::Tensor FlowNet2Impl::forward(const torch::Tensor& image0, const torch::Tensor& image1) {
  return forward_reduced(image0, image1, 1);
}

torch::Tensor FlowNet2Impl::forward_reduced(const torch::Tensor& image0,
                                            const torch::Tensor& image1, int factor) {
  require(image0.dim() == 4 && image0.size(1) == 3 && image0.sizes() == image1.sizes() &&
              image0.numel() > 0,
          ErrorKind::unsupported, "FlowNet2 needs two N x 3 x H x W pictures of one size.");
  require(factor == 1 || factor == 2 || factor == 4, ErrorKind::usage,
          "FlowNet2 predicts flow at 1/1, 1/2 or 1/4 of the resolution.");
  const auto h = image0.size(2), w = image0.size(3);
  Request request;
  request.factor = factor;
  const auto flow = run(pad_to(image0, round_up(h), round_up(w)),
                        pad_to(image1, round_up(h), round_up(w)), request)
                        .flow;
  return flow.slice(2, 0, (h + factor - 1) / factor)
      .slice(3, 0, (w + factor - 1) / factor)
      .contiguous();
}

FlowNet2Output FlowNet2Impl::forward_training(const torch::Tensor& image0,
                                              const torch::Tensor& image1, bool detach) {
  require(image0.size(2) % kSizeMultiple == 0 && image0.size(3) % kSizeMultiple == 0,
          ErrorKind::usage, "FlowNet2 trains on pictures whose sides are multiples of 64.");
  return run(image0, image1, {.factor = 1, .keep_members = true, .detach = detach});
}

}  // namespace semcodec
