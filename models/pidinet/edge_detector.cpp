#include "models/pidinet/edge_detector.h"

#include <ATen/Parallel.h>

#include <array>
#include <mutex>
#include <utility>

#include "common/core/error.h"
#include "models/core/device.h"
#include "models/core/graphed.h"
#include "models/pidinet/edge_engine.h"

namespace semcodec {
namespace {

struct Block {
  torch::Tensor depthwise, pointwise, shortcut, shortcut_bias;
};

struct Head {
  torch::Tensor reduce;           ///< the 1x1 to one map, times its fusion weight
  float fusion = 0;               ///< that weight
  float bias = 0;                 ///< of the 1x1, without the weight
  torch::Tensor cdcm, cdcm_bias;  ///< empty in "-l" variants
  std::array<torch::Tensor, 4> dilated;
  torch::Tensor attend, attend_bias, attend_map;  ///< empty in "-l" variants
};

constexpr std::array<int, 4> kStageBlocks = {3, 4, 4, 4};

void check_picture(const torch::Tensor& rgb) {
  require(rgb.dim() == 4 && rgb.size(1) == 3 && rgb.size(2) >= 8 && rgb.size(3) >= 8,
          ErrorKind::input, "Edges need RGB pictures of at least 8 x 8 pixels.");
}

std::vector<float> values_of(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

}  // namespace

struct EdgeDetector::Folded {
  Folded(const TensorMap& state, torch::Device where, torch::Dtype format, bool want_engine)
      : device(where), dtype(format) {
    const auto plain = [&](const std::string& name) { return state.at(name).detach(); };
    const auto ready = [&](const torch::Tensor& tensor) {
      torch::Tensor moved = tensor.to(device, dtype, false, true);
      return moved.dim() == 4 ? moved.contiguous(torch::MemoryFormat::ChannelsLast) : moved;
    };
    const auto take = [&](const std::string& name) { return ready(plain(name)); };

    init = ready(fold_kernel(plain("init_block.weight"), pixel_difference_at(0)));
    const torch::Tensor fusion = plain("classifier.weight").flatten();
    fusion_bias = plain("classifier.bias").item<float>();
    int index = 1;
    for (std::size_t stage = 0; stage < 4; ++stage) {
      const std::string number = std::to_string(stage);
      for (int i = 0; i < kStageBlocks[stage]; ++i) {
        const std::string name =
            "block" + std::to_string(stage + 1) + "_" + std::to_string(i + 1) + ".";
        Block block;
        block.depthwise =
            ready(fold_kernel(plain(name + "conv1.weight"), pixel_difference_at(index++)));
        block.pointwise = take(name + "conv2.weight");
        if (stage > 0 && i == 0) {
          block.shortcut = take(name + "shortcut.weight");
          block.shortcut_bias = take(name + "shortcut.bias");
        }
        blocks.push_back(block);
      }
      Head head;
      // Resizing is linear, so the fusion weight can be applied before it, and one resized map a
      // stage is all that has to be summed.
      const torch::Tensor weight = fusion[static_cast<std::int64_t>(stage)];
      head.reduce = ready(plain("conv_reduces." + number + ".conv.weight") * weight);
      head.fusion = weight.item<float>();
      head.bias = plain("conv_reduces." + number + ".conv.bias").item<float>();
      fusion_bias += head.bias * head.fusion;
      if (state.contains("dilations.0.conv1.weight")) {
        head.cdcm = take("dilations." + number + ".conv1.weight");
        head.cdcm_bias = take("dilations." + number + ".conv1.bias");
        for (std::size_t i = 0; i < 4; ++i) {
          head.dilated[i] =
              take("dilations." + number + ".conv2_" + std::to_string(i + 1) + ".weight");
        }
      }
      if (state.contains("attentions.0.conv1.weight")) {
        head.attend = take("attentions." + number + ".conv1.weight");
        head.attend_bias = take("attentions." + number + ".conv1.bias");
        head.attend_map = take("attentions." + number + ".conv2.weight");
      }
      heads.push_back(head);
    }
    mean = torch::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1}).to(device);
    scale = torch::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1}).reciprocal().to(device);
    if (want_engine) make_engine();
  }

  /// The same weights for the CPU's own path.
  void make_engine() {
    EdgeWeights weights;
    weights.init = values_of(init);
    for (const Block& block : blocks) {
      EdgeWeights::Block own;
      own.in = static_cast<int>(block.depthwise.size(0));
      own.out = static_cast<int>(block.pointwise.size(0));
      own.size = static_cast<int>(block.depthwise.size(2));
      own.depthwise = values_of(block.depthwise);
      own.pointwise = values_of(block.pointwise);
      own.pools = block.shortcut.defined();
      if (own.pools) {
        own.shortcut = values_of(block.shortcut);
        own.shortcut_bias = values_of(block.shortcut_bias);
      }
      weights.blocks.push_back(std::move(own));
    }
    for (std::size_t stage = 0; stage < 4; ++stage) {
      const Head& head = heads[stage];
      if (!head.cdcm.defined() || !head.attend.defined()) return;
      EdgeWeights::Head& own = weights.heads[stage];
      own.in = static_cast<int>(head.cdcm.size(1));
      own.width = static_cast<int>(head.cdcm.size(0));
      own.narrow = values_of(head.cdcm);
      own.narrow_bias = values_of(head.cdcm_bias);
      for (std::size_t i = 0; i < 4; ++i) own.dilated[i] = values_of(head.dilated[i]);
      own.attend = values_of(head.attend);
      own.attend_bias = values_of(head.attend_bias);
      own.attend_map = values_of(head.attend_map);
      own.reduce = values_of(head.reduce);
    }
    const auto means = values_of(mean), scales = values_of(scale);
    std::copy_n(means.begin(), 3, weights.mean.begin());
    std::copy_n(scales.begin(), 3, weights.scale.begin());
    weights.bias = fusion_bias;
    if (!EdgeEngine::takes(weights)) return;
    engine = std::make_unique<EdgeEngine>(
        weights, [](std::int64_t count, const auto& body) { at::parallel_for(0, count, 8, body); });
  }

  /// A picture of the batch for the engine; `input` holds what it points to.
  static EdgePictureView view_of(const torch::Tensor& input, std::int64_t n) {
    EdgePictureView view;
    const torch::Tensor picture = input[n];
    if (picture.scalar_type() == torch::kUInt8) {
      view.bytes = picture.data_ptr<std::uint8_t>();
    } else {
      view.floats = picture.data_ptr<float>();
    }
    view.channel = picture.stride(0);
    view.row = picture.stride(1);
    view.column = picture.stride(2);
    view.height = static_cast<int>(picture.size(1));
    view.width = static_cast<int>(picture.size(2));
    return view;
  }

  static torch::Tensor for_engine(const torch::Tensor& input) {
    const bool bytes = input.scalar_type() == torch::kUInt8;
    return input.to(torch::kCPU, bytes ? torch::kUInt8 : torch::kFloat32);
  }

  torch::Tensor detect_by_engine(const torch::Tensor& input) const {
    const torch::Tensor held = for_engine(input);
    torch::Tensor out = torch::empty({held.size(0), 1, held.size(2), held.size(3)});
    for (std::int64_t n = 0; n < held.size(0); ++n) {
      engine->detect(view_of(held, n), out[n].data_ptr<float>());
    }
    return out;
  }

  /// run(), by the engine.
  std::vector<torch::Tensor> run_engine(const torch::Tensor& input) const {
    const torch::Tensor held = for_engine(input);
    std::vector<torch::Tensor> maps(4);
    for (std::int64_t stage = 0; stage < 4; ++stage) {
      maps[static_cast<std::size_t>(stage)] =
          torch::empty({held.size(0), 1, held.size(2) >> stage, held.size(3) >> stage});
    }
    for (std::int64_t n = 0; n < held.size(0); ++n) {
      const auto stages = engine->stages(view_of(held, n));
      for (std::size_t stage = 0; stage < 4; ++stage) {
        std::copy(stages[stage].begin(), stages[stage].end(), maps[stage][n].data_ptr<float>());
      }
    }
    for (std::size_t stage = 1; stage < 4; ++stage) {
      maps[stage] = torch::upsample_bilinear2d(maps[stage], {held.size(2), held.size(3)}, false);
    }
    return maps;
  }

  torch::Tensor run_head(const Head& head, const torch::Tensor& features) const {
    torch::Tensor y = features;
    if (head.cdcm.defined()) {
      const torch::Tensor reduced = torch::conv2d(y.relu(), head.cdcm, head.cdcm_bias);
      y = torch::conv2d(reduced, head.dilated[0], {}, 1, 5, 5);
      for (std::size_t i = 1; i < 4; ++i) {
        const auto reach = static_cast<std::int64_t>(5 + 2 * i);
        y += torch::conv2d(reduced, head.dilated[i], {}, 1, reach, reach);
      }
    }
    if (head.attend.defined()) {
      const torch::Tensor narrow = torch::conv2d(y.relu(), head.attend, head.attend_bias);
      y = y * torch::conv2d(narrow, head.attend_map, {}, 1, 1).sigmoid_();
    }
    return torch::conv2d(y, head.reduce);
  }

  /// One map a stage at full size, float32, times its fusion weight and without its bias.
  std::vector<torch::Tensor> run(const torch::Tensor& input) const {
    if (engine != nullptr) return run_engine(input);
    torch::Tensor x = input.to(device, torch::kFloat32);
    if (input.scalar_type() == torch::kUInt8) x = x / 255.0;
    x = ((x - mean) * scale).to(dtype).contiguous(torch::MemoryFormat::ChannelsLast);
    const std::vector<std::int64_t> size = {x.size(2), x.size(3)};
    x = torch::conv2d(x, init, {}, 1, 1);
    std::vector<torch::Tensor> maps;
    std::size_t at = 0;
    for (std::size_t stage = 0; stage < 4; ++stage) {
      for (int i = 0; i < kStageBlocks[stage]; ++i) {
        const Block& block = blocks[at++];
        if (block.shortcut.defined()) x = torch::max_pool2d(x, 2, 2);
        torch::Tensor y =
            torch::conv2d(x, block.depthwise, {}, 1, block.depthwise.size(2) / 2, 1, x.size(1));
        y = torch::conv2d(y.relu_(), block.pointwise);
        x = y.add_(block.shortcut.defined() ? torch::conv2d(x, block.shortcut, block.shortcut_bias)
                                            : x);
      }
      torch::Tensor map = run_head(heads[stage], x).to(torch::kFloat32).contiguous();
      maps.push_back(stage > 0 ? torch::upsample_bilinear2d(map, size, false) : map);
    }
    return maps;
  }

  /// The fused map from run(), float32.
  torch::Tensor fused(const torch::Tensor& input) const {
    const std::vector<torch::Tensor> maps = run(input);
    torch::Tensor sum = maps[0];
    for (std::size_t stage = 1; stage < maps.size(); ++stage) sum.add_(maps[stage]);
    return sum.add_(fusion_bias).sigmoid_();
  }

  /// The same, as one CUDA graph.
  torch::Tensor fused_on_gpu(const torch::Tensor& input) {
    const torch::Tensor there =
        input.is_cuda() ? input : input.contiguous().pin_memory().to(device, true);
    const std::lock_guard<std::mutex> lock(mutex);
    return graph({there})[0].clone();
  }

  torch::Device device;
  torch::Dtype dtype;
  Graphed graph{"edge network",
                [this](const Graphed::Tensors& x) { return Graphed::Tensors{fused(x[0])}; }};
  std::mutex mutex;  ///< of the graph
  torch::Tensor init, mean, scale;
  std::vector<Block> blocks;
  std::vector<Head> heads;
  float fusion_bias = 0;               ///< of the classifier and, through it, of the four heads
  std::unique_ptr<EdgeEngine> engine;  ///< null where the CPU or the network does not fit it
};

EdgeDetector::EdgeDetector(const std::string& path, torch::Device device,
                           std::optional<torch::Dtype> dtype)
    : EdgeDetector(load_pidinet(path), device, dtype) {}

EdgeDetector::EdgeDetector(const PiDiNet& net, torch::Device device,
                           std::optional<torch::Dtype> dtype)
    : net_(std::make_unique<Folded>(state_of(*net), device,
                                    dtype ? *dtype : inference_dtype(device),
                                    engine_wanted(device, dtype))) {}

EdgeDetector::~EdgeDetector() = default;
EdgeDetector::EdgeDetector(EdgeDetector&&) noexcept = default;
EdgeDetector& EdgeDetector::operator=(EdgeDetector&&) noexcept = default;

torch::Tensor EdgeDetector::detect(const torch::Tensor& rgb) const {
  check_picture(rgb);
  const torch::InferenceMode inference;
  if (net_->engine != nullptr) return net_->detect_by_engine(rgb);
  return net_->device.is_cuda() ? net_->fused_on_gpu(rgb) : net_->fused(rgb);
}

std::vector<torch::Tensor> EdgeDetector::detect_all(const torch::Tensor& rgb) const {
  check_picture(rgb);
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> maps = net_->run(rgb);
  torch::Tensor sum = maps[0].clone();
  for (std::size_t stage = 1; stage < maps.size(); ++stage) sum.add_(maps[stage]);
  maps.push_back(sum.add_(net_->fusion_bias).sigmoid_());
  for (std::size_t stage = 0; stage < 4; ++stage) {
    // A stage that the fusion ignores leaves nothing to divide by; its map was not computed.
    const Head& head = net_->heads[stage];
    require(head.fusion != 0, ErrorKind::unsupported,
            "The edge network ignores one of its stages, so its five maps cannot be had.");
    maps[stage].div_(head.fusion).add_(head.bias).sigmoid_();
  }
  return maps;
}

torch::Dtype EdgeDetector::dtype() const { return net_->dtype; }
torch::Device EdgeDetector::device() const { return net_->device; }

}  // namespace semcodec
