#include "models/flownet2/flow_estimator.h"

#include <charconv>

#include "common/core/error.h"
#include "models/core/device.h"

namespace semcodec {
namespace {

namespace F = torch::nn::functional;

template <typename T>
T number(const Metadata& metadata, const std::string& key, const std::string& path) {
  const auto found = metadata.find(key);
  T value{};
  bool good = found != metadata.end();
  if (good) {
    const auto& text = found->second;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    good = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  }
  require(good, ErrorKind::corrupt,
          path + " does not say its FlowNet2 \"" + key + "\"; export it again.");
  return value;
}

torch::Tensor resized(const torch::Tensor& t, std::int64_t height, std::int64_t width) {
  return F::interpolate(t, F::InterpolateFuncOptions()
                               .size(std::vector<std::int64_t>{height, width})
                               .mode(torch::kBilinear)
                               .align_corners(false));
}

// Which of the published networks a file without metadata holds, by names that only it has.
FlowNet2Variant published_variant(const TensorMap& tensors) {
  const auto holds = [&](const std::string& prefix) {
    const auto at = tensors.lower_bound(prefix);
    return at != tensors.end() && at->first.starts_with(prefix);
  };
  using V = FlowNet2Variant;
  if (holds("flownetfusion.")) return V::full;
  if (holds("flownets_2.")) return V::css;
  if (holds("flownetc.")) return holds("flownets_1.") ? V::cs : V::c;
  if (holds("flownets_d.") || holds("inter_conv5.")) return V::sd;
  if (holds("conv_redir.")) return V::c;
  if (holds("flownets_1.") || holds("upsampled_flow6_to_5.")) return V::s;
  return V::full;
}

// The published single-member files (C, S, SD) carry no prefix; those of more members do.
TensorMap with_prefix(TensorMap tensors, FlowNet2Variant variant) {
  const std::string prefix = variant == FlowNet2Variant::c    ? "flownetc."
                             : variant == FlowNet2Variant::s  ? "flownets_1."
                             : variant == FlowNet2Variant::sd ? "flownets_d."
                                                              : "";
  if (prefix.empty() || tensors.empty() || tensors.begin()->first.starts_with(prefix))
    return tensors;
  TensorMap renamed;
  for (auto& [name, tensor] : tensors) renamed[prefix + name] = tensor;
  return renamed;
}

}  // namespace

Metadata flow_metadata(const FlowNet2Options& options, int input_scale) {
  return {{"network", "flownet2"},
          {"variant", to_text(options.variant)},
          {"width", std::to_string(options.width)},
          {"max_displacement", std::to_string(options.max_displacement)},
          {"input_scale", std::to_string(input_scale)}};
}

std::pair<FlowNet2Options, int> parse_flow_metadata(const Metadata& metadata,
                                                    const std::string& path) {
  if (!metadata.contains("network")) return {FlowNet2Options{}, 1};
  require(metadata.at("network") == "flownet2" && metadata.contains("variant"), ErrorKind::corrupt,
          path + " holds no FlowNet2; choose a flow model.");
  FlowNet2Options options;
  int scale = 1;
  try {
    options.variant = flownet2_variant_from_text(metadata.at("variant"));
  } catch (const Error& error) {
    throw Error(ErrorKind::corrupt, path + ": " + error.what());
  }
  options.width = number<double>(metadata, "width", path);
  options.max_displacement = number<int>(metadata, "max_displacement", path);
  scale = number<int>(metadata, "input_scale", path);
  // The same limits as FlowNet2Impl, but here they are the file's fault. Compared so that a NaN
  // fails.
  require(options.width > 0.0 && options.width <= 2.0 && options.max_displacement >= 2 &&
              options.max_displacement <= 64 && options.max_displacement % 2 == 0 &&
              (scale == 1 || scale == 2),
          ErrorKind::corrupt,
          path + " names FlowNet2 sizes that are out of range; export it again.");
  return {options, scale};
}

FlowEstimator::FlowEstimator(const std::string& path, torch::Device device,
                             torch::ScalarType type) {
  Metadata metadata;
  auto tensors = load_safetensors(path, &metadata);
  auto [options, scale] = parse_flow_metadata(metadata, path);
  if (!metadata.contains("network")) options.variant = published_variant(tensors);
  input_scale_ = scale;
  net_ = FlowNet2(options);
  load_into(*net_, with_prefix(std::move(tensors), options.variant), path);
  prepare(device, type);
}

FlowEstimator::FlowEstimator(FlowNet2 net, int input_scale, torch::Device device,
                             torch::ScalarType type)
    : net_(std::move(net)), input_scale_(input_scale) {
  require(input_scale == 1 || input_scale == 2, ErrorKind::usage,
          "The input scale of the flow network must be 1 or 2.");
  prepare(device, type);
}

void FlowEstimator::prepare(torch::Device device, torch::ScalarType type) {
  net_->to(device, type);
  to_channels_last(*net_);
  net_->eval();
  for (auto& parameter : net_->parameters()) parameter.set_requires_grad(false);
}

torch::Tensor FlowEstimator::reduced(const torch::Tensor& image) const {
  const auto x = image.to(torch::kFloat);
  if (input_scale_ == 1) return x;
  // An odd side is rounded up by repeating the border, so that cells stay 2×2 pixels.
  return torch::avg_pool2d(
      torch::nn::functional::pad(
          x, F::PadFuncOptions({0, x.size(3) % 2, 0, x.size(2) % 2}).mode(torch::kReplicate)),
      2);
}

torch::Tensor FlowEstimator::flow(const torch::Tensor& image0, const torch::Tensor& image1) {
  const torch::NoGradGuard no_grad;
  const auto flow = net_->forward(reduced(image0), reduced(image1));
  if (input_scale_ == 1) return flow;
  return (resized(flow, flow.size(2) * 2, flow.size(3) * 2) * 2.0)
      .slice(2, 0, image0.size(2))
      .slice(3, 0, image0.size(3))
      .contiguous();
}

torch::Tensor FlowEstimator::flow_quarter(const torch::Tensor& image0,
                                          const torch::Tensor& image1) {
  const torch::NoGradGuard no_grad;
  return quarter(image0, image1);
}

torch::Tensor FlowEstimator::quarter(const torch::Tensor& image0, const torch::Tensor& image1) {
  return net_->forward_reduced(reduced(image0), reduced(image1), 4 / input_scale_) *
         static_cast<double>(input_scale_);
}

}  // namespace semcodec
