// Every network of the FlowNet2 family against a second formulation: plain functions over the
// official parameter names, with unfold for the correlation and grid_sample for the warp, written
// from the published description. Weights are random and seeded; the published ones cannot be had
// everywhere.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "models/flownet2/flow_estimator.h"
#include "tests/models/seeded_values.h"

namespace semcodec {
namespace {

namespace F = torch::nn::functional;
using Tensor = torch::Tensor;

struct Plain {
  TensorMap weights;
  int reach = 20;

  Tensor weight(const std::string& name) const { return weights.at(name); }
  Tensor bias(const std::string& name) const {
    const auto found = weights.find(name + ".bias");
    return found == weights.end() ? Tensor() : found->second;
  }
  Tensor linear(const Tensor& x, const std::string& name, int stride = 1) const {
    const auto w = weight(name + ".weight");
    return torch::conv2d(x, w, bias(name), stride, (w.size(2) - 1) / 2);
  }
  Tensor conv(const Tensor& x, const std::string& name, int stride = 1) const {
    return torch::leaky_relu(linear(x, name + ".0", stride), 0.1);
  }
  Tensor up(const Tensor& x, const std::string& name) const {
    return torch::conv_transpose2d(x, weight(name + ".weight"), bias(name), 2, 1);
  }

  Tensor expand(const std::string& p, const std::vector<Tensor>& skips, Tensor x,
                bool inter) const {
    Tensor flow = linear(x, p + "predict_flow6");
    for (int level = 5; level >= 2; --level) {
      const std::string n = std::to_string(level), above = std::to_string(level + 1);
      x = torch::cat({skips[static_cast<std::size_t>(level - 2)],
                      torch::leaky_relu(up(x, p + "deconv" + n + ".0"), 0.1),
                      up(flow, p + "upsampled_flow" + above + "_to_" + n)},
                     1);
      flow = linear(inter ? linear(x, p + "inter_conv" + n + ".0") : x, p + "predict_flow" + n);
    }
    return flow;
  }
  Tensor finish(const std::string& p, const Tensor& c2, const Tensor& c3, bool inter) const {
    const auto c4 = conv(conv(c3, p + "conv4", 2), p + "conv4_1");
    const auto c5 = conv(conv(c4, p + "conv5", 2), p + "conv5_1");
    const auto c6 = conv(conv(c5, p + "conv6", 2), p + "conv6_1");
    return expand(p, {c2, c3, c4, c5}, c6, inter);
  }
  Tensor net_s(const std::string& p, const Tensor& x) const {
    const auto c2 = conv(conv(x, p + "conv1", 2), p + "conv2", 2);
    return finish(p, c2, conv(conv(c2, p + "conv3", 2), p + "conv3_1"), false);
  }
  Tensor net_sd(const std::string& p, const Tensor& x) const {
    const auto c1 = conv(conv(conv(x, p + "conv0"), p + "conv1", 2), p + "conv1_1");
    const auto c2 = conv(conv(c1, p + "conv2", 2), p + "conv2_1");
    return finish(p, c2, conv(conv(c2, p + "conv3", 2), p + "conv3_1"), true);
  }
  Tensor compare(const Tensor& a, const Tensor& b) const {
    const auto n = a.size(0), c = a.size(1), h = a.size(2), w = a.size(3);
    const int side = 2 * reach + 1;
    const auto patches = F::unfold(F::pad(b, F::PadFuncOptions({reach, reach, reach, reach})),
                                   F::UnfoldFuncOptions({side, side}))
                             .view({n, c, side, side, h, w})
                             .slice(2, 0, side, 2)
                             .slice(3, 0, side, 2);
    return torch::einsum("ncyx,ncjiyx->njiyx", {a, patches}).reshape({n, -1, h, w}) /
           static_cast<double>(c);
  }
  Tensor net_c(const std::string& p, const Tensor& x) const {
    const auto tower2 = [&](const Tensor& t) {
      return conv(conv(t, p + "conv1", 2), p + "conv2", 2);
    };
    const auto a2 = tower2(x.narrow(1, 0, 3)), b2 = tower2(x.narrow(1, 3, 3));
    const auto a3 = conv(a2, p + "conv3", 2), b3 = conv(b2, p + "conv3", 2);
    const auto joined =
        torch::cat({conv(a3, p + "conv_redir"), torch::leaky_relu(compare(a3, b3), 0.1)}, 1);
    return finish(p, a2, conv(joined, p + "conv3_1"), false);
  }
  Tensor net_fusion(const std::string& p, const Tensor& x) const {
    const auto c0 = conv(x, p + "conv0");
    const auto c1 = conv(conv(c0, p + "conv1", 2), p + "conv1_1");
    const auto c2 = conv(conv(c1, p + "conv2", 2), p + "conv2_1");
    const auto flow2 = linear(c2, p + "predict_flow2");
    const auto x1 = torch::cat({c1, torch::leaky_relu(up(c2, p + "deconv1.0"), 0.1),
                                up(flow2, p + "upsampled_flow2_to_1")},
                               1);
    const auto flow1 = linear(linear(x1, p + "inter_conv1.0"), p + "predict_flow1");
    const auto x0 = torch::cat({c0, torch::leaky_relu(up(x1, p + "deconv0.0"), 0.1),
                                up(flow1, p + "upsampled_flow1_to_0")},
                               1);
    return linear(linear(x0, p + "inter_conv0.0"), p + "predict_flow0");
  }
};

Tensor times4(const Tensor& x, bool bilinear) {
  auto options = F::InterpolateFuncOptions().scale_factor(std::vector<double>{4, 4});
  if (bilinear) return F::interpolate(x, options.mode(torch::kBilinear).align_corners(false));
  return F::interpolate(x, options.mode(torch::kNearest));
}

Tensor warped(const Tensor& image, const Tensor& flow) {
  const auto h = image.size(2), w = image.size(3);
  const auto x = torch::arange(w).view({1, 1, w}) + flow.select(1, 0);
  const auto y = torch::arange(h).view({1, h, 1}) + flow.select(1, 1);
  const auto grid = torch::stack(
      {x * (2.0 / static_cast<double>(w - 1)) - 1, y * (2.0 / static_cast<double>(h - 1)) - 1}, -1);
  return F::grid_sample(image, grid,
                        F::GridSampleFuncOptions()
                            .mode(torch::kBilinear)
                            .padding_mode(torch::kBorder)
                            .align_corners(true));
}

Tensor length(const Tensor& x) { return x.square().sum(1, true).sqrt(); }

/// Flow of pictures whose sides are multiples of 64.
Tensor plain_flow(const Plain& net, FlowNet2Variant variant, const Tensor& a, const Tensor& b) {
  const auto mean = torch::stack({a, b}, 2).flatten(2).mean(2).view({a.size(0), 3, 1, 1});
  const auto x0 = a - mean, x1 = b - mean;
  const auto pair = torch::cat({x0, x1}, 1);
  using V = FlowNet2Variant;
  if (variant == V::s) return times4(net.net_s("flownets_1.", pair) * 20, true);
  if (variant == V::sd) return times4(net.net_sd("flownets_d.", pair) * 20, true);
  Tensor flow = times4(net.net_c("flownetc.", pair) * 20, true);
  if (variant == V::c) return flow;
  const auto stage = [&](const std::string& name) {
    const auto back = warped(x1, flow);
    return net.net_s(name, torch::cat({pair, back, flow / 20, length(x0 - back)}, 1)) * 20;
  };
  flow = times4(stage("flownets_1."), true);
  if (variant == V::cs) return flow;
  flow = times4(stage("flownets_2."), false);
  if (variant == V::css) return flow;
  const auto small = times4(net.net_sd("flownets_d.", pair) / 20, false);
  return net.net_fusion("flownetfusion.",
                        torch::cat({x0, small, flow, length(small), length(flow),
                                    length(x0 - warped(x1, small)), length(x0 - warped(x1, flow))},
                                   1));
}

class FlowFamily : public testing::TestWithParam<FlowNet2Variant> {};

TEST_P(FlowFamily, EqualsASecondFormulation) {
  const torch::NoGradGuard guard;
  const auto variant = GetParam();
  const FlowNet2Options options{.variant = variant, .width = 0.25, .max_displacement = 20};
  FlowNet2 net(options);
  TensorMap weights = state_of(*net);
  seed_weights(weights);
  for (auto& [name, tensor] : weights) {
    // Flow of some pixels: the step of a warp at the border of a pixel would multiply rounding.
    if (name.find("predict_flow") == std::string::npos) continue;
    tensor = tensor * (name.starts_with("flownetfusion.") ? 0.2 : 0.02);
  }
  load_into(*net, weights, "seeded");
  // 70 x 97 is padded by repeating the border, which is not the networks' own doing.
  const auto a = seeded_values({1, 3, 70, 97}, 1, 0, 1), b = seeded_values({1, 3, 70, 97}, 2, 0, 1);
  const auto pad = [](const Tensor& x) {
    return F::pad(x, F::PadFuncOptions({0, 128 - 97, 0, 128 - 70}).mode(torch::kReplicate));
  };
  const auto want =
      plain_flow({weights, 20}, variant, pad(a), pad(b)).narrow(2, 0, 70).narrow(3, 0, 97);
  const auto got = net->forward(a, b);
  EXPECT_GT(want.abs().max().item<double>(), 0.1) << "weights that predict nothing test nothing";
  EXPECT_LT(want.abs().max().item<double>(), 100);
  EXPECT_LT((got - want).abs().max().item<double>(), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(FlowNet2, FlowFamily,
                         testing::Values(FlowNet2Variant::c, FlowNet2Variant::s,
                                         FlowNet2Variant::sd, FlowNet2Variant::cs,
                                         FlowNet2Variant::css, FlowNet2Variant::full),
                         [](const auto& instance) { return to_text(instance.param); });

// Parameters of the published networks: the authors' comments give 39,175,298 for C, 45,371,666
// for SD and 162,518,834 for all; S is what the others leave (with 12 input channels; 6 alone).
TEST(FlowFamilyFiles, HaveThePublishedCounts) {
  const std::int64_t c = 39175298, s = 38695322, sd = 45371666;
  const std::pair<FlowNet2Variant, std::int64_t> counts[] = {{FlowNet2Variant::c, c},
                                                             {FlowNet2Variant::s, s - 64 * 6 * 49},
                                                             {FlowNet2Variant::sd, sd},
                                                             {FlowNet2Variant::cs, c + s},
                                                             {FlowNet2Variant::css, c + 2 * s}};
  for (const auto& [variant, count] : counts) {
    std::int64_t sum = 0;
    for (const auto& p : FlowNet2(FlowNet2Options{.variant = variant})->parameters())
      sum += p.numel();
    EXPECT_EQ(sum, count) << to_text(variant);
  }
}

// Imported files have no metadata of ours: their names say which network they hold. C, S and SD
// alone are published without the member's prefix.
TEST(FlowFamilyFiles, AreToldApartByTheirNames) {
  const std::string path = testing::TempDir() + "semcodec_flow_family.safetensors";
  for (const auto& [variant, prefix] : {std::pair{FlowNet2Variant::c, std::string("flownetc.")},
                                        {FlowNet2Variant::s, std::string("flownets_1.")},
                                        {FlowNet2Variant::sd, std::string("flownets_d.")}}) {
    TensorMap plain;
    for (const auto& [name, tensor] : state_of(*FlowNet2(FlowNet2Options{.variant = variant})))
      plain[name.substr(prefix.size())] = tensor;
    save_safetensors(path, plain, {{"kind", "flownet2-" + to_text(variant)}});
    EXPECT_EQ(FlowEstimator(path, torch::kCPU, torch::kFloat).options().variant, variant);
  }
  std::remove(path.c_str());
}

}  // namespace
}  // namespace semcodec
