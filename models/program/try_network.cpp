#include "models/program/try_network.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "common/core/error.h"
#include "common/core/file.h"
#include "common/core/log.h"
#include "common/core/npy.h"
#include "common/media/picture.h"
#include "models/core/device.h"
#include "models/core/weights_path.h"
#include "models/flownet2/flow_estimator.h"
#include "models/flownet2/flow_file.h"
#include "models/lpips/lpips.h"
#include "models/pidinet/edge_detector.h"
#include "models/program/catalogue.h"
#include "semcodec/video_reader.h"

namespace semcodec {
namespace {

enum class Task { edges, flow, distance };

struct Network {
  const char* name;
  Task task;
  const char* detail;  ///< size of PiDiNet, variant of FlowNet2, network of LPIPS
};

constexpr std::array<Network, 12> kNetworks{{{"pidinet", Task::edges, "full"},
                                             {"pidinet-small", Task::edges, "small"},
                                             {"pidinet-tiny", Task::edges, "tiny"},
                                             {"flownet2", Task::flow, "full"},
                                             {"flownet2-c", Task::flow, "c"},
                                             {"flownet2-s", Task::flow, "s"},
                                             {"flownet2-sd", Task::flow, "sd"},
                                             {"flownet2-cs", Task::flow, "cs"},
                                             {"flownet2-css", Task::flow, "css"},
                                             {"lpips-squeeze", Task::distance, "squeeze"},
                                             {"lpips-alex", Task::distance, "alex"},
                                             {"lpips-vgg", Task::distance, "vgg"}}};

const Network& network_of(const std::string& name) {
  const auto found = std::find_if(kNetworks.begin(), kNetworks.end(),
                                  [&](const Network& n) { return name == n.name; });
  if (found != kNetworks.end()) return *found;
  std::string names;
  for (const auto& known : network_names()) names += (names.empty() ? "" : ", ") + known;
  throw Error(ErrorKind::usage, "There is no network '" + name + "'; use one of " + names + ".");
}

std::string ending_of(const std::string& path) {
  return std::filesystem::path(path).extension().string();
}

/// Whether all is there and can be written, before a network is opened.
void check_files(const TryRequest& request, const Network& network) {
  const std::size_t pictures = network.task == Task::edges ? 1 : 2;
  const std::size_t outputs = network.task == Task::distance ? 0 : 1;
  require(request.files.size() == pictures + outputs, ErrorKind::usage,
          request.network + " takes " + (pictures == 1 ? "one picture" : "two pictures") +
              (outputs == 1 ? " and an output" : " and no output") + ", not " +
              std::to_string(request.files.size()) + " file(s).");
  if (outputs == 0) return;
  const std::string& output = request.files.back();
  const std::string ending = ending_of(output);
  const bool flow = network.task == Task::flow;
  require(ending == ".npy" || ending == ".png" || (flow && ending == ".flo"), ErrorKind::usage,
          request.network + " writes " + (flow ? ".flo, .npy or .png" : ".npy or .png") + ", not " +
              output + ".");
  check_output(output, request.overwrite);
}

/// A picture file as 1 x 3 x H x W in 0..1; of a video its first frame.
torch::Tensor read_picture(const std::string& path) {
  VideoReader reader(path);
  auto frame = reader.next();
  require(frame.has_value(), ErrorKind::input, path + " holds no picture that can be decoded.");
  const RgbImage& image = frame->image;
  auto* bytes = const_cast<std::uint8_t*>(image.pixels.data());  // only read
  return torch::from_blob(bytes, {1, image.height, image.width, 3}, torch::kUInt8)
      .permute({0, 3, 1, 2})
      .to(torch::kFloat32)
      .div(255.0);
}

std::pair<torch::Tensor, torch::Tensor> read_pair(const TryRequest& request) {
  auto a = read_picture(request.files[0]), b = read_picture(request.files[1]);
  const auto size = [](const torch::Tensor& t) {
    return std::to_string(t.size(3)) + "x" + std::to_string(t.size(2));
  };
  require(a.sizes() == b.sizes(), ErrorKind::input,
          request.files[0] + " is " + size(a) + " and " + request.files[1] + " is " + size(b) +
              "; " + request.network + " needs two pictures of one size.");
  return {std::move(a), std::move(b)};
}

std::span<const float> numbers_of(const torch::Tensor& t) {
  return {t.const_data_ptr<float>(), static_cast<std::size_t>(t.numel())};
}

void run_edges(const TryRequest& request, const Network& network, torch::Device device,
               std::optional<torch::Dtype> dtype) {
  const std::string path = resolve_weights(request.weights, "edges.safetensors");
  PiDiNet net = load_pidinet(path);
  const auto wanted = PiDiNetConfig::named(network.detail);
  require(net->config().channels == wanted.channels, ErrorKind::input,
          path + " is a PiDiNet of " + std::to_string(net->config().channels) + " channels; " +
              request.network + " has " + std::to_string(wanted.channels) + ".");
  const EdgeDetector detector(net, device, dtype);
  const auto picture = read_picture(request.files[0]);
  const auto edges = detector.detect(picture).to(torch::kCPU).contiguous();
  const auto height = edges.size(2), width = edges.size(3);
  const std::string& output = request.files.back();
  if (ending_of(output) == ".npy") {
    write_npy(output, numbers_of(edges), std::array{height, width});
    return;
  }
  const auto bytes = (edges * 255.0 + 0.5).clamp(0, 255).to(torch::kUInt8).contiguous();
  write_png(output, static_cast<int>(width), static_cast<int>(height), 1,
            {bytes.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(bytes.numel())});
}

void run_flow(const TryRequest& request, const Network& network, torch::Device device,
              std::optional<torch::Dtype> dtype) {
  const std::string path = resolve_weights(request.weights, "flow.safetensors");
  FlowEstimator estimator(path, device, dtype ? *dtype : inference_dtype(device));
  const std::string variant = to_text(estimator.options().variant);
  require(variant == network.detail, ErrorKind::input,
          path + " is a flownet2" + (variant == "full" ? "" : "-" + variant) + ", not a " +
              request.network + ".");
  const auto [a, b] = read_pair(request);
  const auto flow =
      estimator.flow(a.to(device), b.to(device)).to(torch::kCPU, torch::kFloat32).contiguous();
  const auto height = flow.size(2), width = flow.size(3);
  const int w = static_cast<int>(width), h = static_cast<int>(height);
  const std::string& output = request.files.back();
  const std::string ending = ending_of(output);
  if (ending == ".npy") {
    write_npy(output, numbers_of(flow), std::array{std::int64_t{2}, height, width});
  } else if (ending == ".flo") {
    write_flo(output, numbers_of(flow), w, h);
  } else {
    write_png(output, flow_colours(numbers_of(flow), w, h, request.longest));
  }
  const auto length = flow.square().sum(1).sqrt();
  char text[96];
  std::snprintf(text, sizeof text, "Motion: %.2f pixels on average, %.2f at most.",
                length.mean().item<double>(), length.max().item<double>());
  log::info(text);
}

void run_distance(const TryRequest& request, const Network& network, torch::Device device) {
  std::optional<LpipsNet> net;
  for (const LpipsNet known : {LpipsNet::squeeze, LpipsNet::alex, LpipsNet::vgg}) {
    if (network.detail == std::string(facts_of(known).name)) net = known;
  }
  require(net.has_value(), ErrorKind::internal, "LPIPS lacks the network " + request.network + ".");
  const std::string heads = resolve_weights(request.weights, "lpips.safetensors");
  const std::string backbone =
      resolve_weights(request.backbone.empty() ? facts_of(*net).backbone_weights : request.backbone,
                      "lpips.safetensors");
  Lpips metric(*net, backbone, heads, device);
  const auto [a, b] = read_pair(request);
  const torch::NoGradGuard guard;
  std::printf("%.6f\n", metric.forward(a.to(device), b.to(device)).item<double>());
}

}  // namespace

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (const Network& network : kNetworks) names.emplace_back(network.name);
  return names;
}

void try_network(const TryRequest& request) {
  const Network& network = network_of(request.network);
  check_files(request, network);
  const torch::Device device = parse_device(request.device);
  std::optional<torch::Dtype> dtype;  // empty: the fastest
  if (!request.fast) dtype = torch::kFloat32;
  if (network.task == Task::edges) run_edges(request, network, device, dtype);
  if (network.task == Task::flow) run_flow(request, network, device, dtype);
  if (network.task == Task::distance) run_distance(request, network, device);
}

}  // namespace semcodec
