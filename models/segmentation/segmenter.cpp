#include "models/segmentation/segmenter.h"

#include <torch/script.h>

#include "common/core/error.h"
#include "models/core/safetensors.h"
#include "models/segmentation/espnet.h"

namespace semcodec {

struct Segmenter::Network {
  EspNet own{nullptr};
  torch::jit::Module script;

  torch::Tensor scores(const torch::Tensor& pictures);
};

torch::Tensor Segmenter::Network::scores(const torch::Tensor& pictures) {
  if (!own.is_empty()) return own->forward(pictures);
  const auto mean = torch::tensor({0.485F, 0.456F, 0.406F}, pictures.options()).view({1, 3, 1, 1});
  const auto deviation =
      torch::tensor({0.229F, 0.224F, 0.225F}, pictures.options()).view({1, 3, 1, 1});
  const auto out = script.forward({(pictures - mean) / deviation});
  if (out.isTensor()) return out.toTensor();
  if (out.isGenericDict()) return out.toGenericDict().at("out").toTensor();
  if (out.isTuple()) return out.toTupleRef().elements().at(0).toTensor();
  return {};
}

Segmenter::Segmenter(const std::string& file, torch::Device device)
    : network_(std::make_unique<Network>()), file_(file), device_(device) {
  if (file.ends_with(".safetensors")) {
    network_->own = EspNet();
    load_module(*network_->own, file);
    network_->own->to(device);
    network_->own->eval();
    return;
  }
  try {
    network_->script = torch::jit::load(file, device);
    network_->script.eval();
  } catch (const c10::Error&) {
    throw Error(ErrorKind::input,
                file +
                    " is no TorchScript file that can be read; export the network by "
                    "torch.jit.script() or torch.jit.trace() and save().");
  }
}

Segmenter::~Segmenter() = default;

std::vector<std::uint8_t> Segmenter::segment(const RgbImage& picture, int width, int height) {
  const torch::NoGradGuard guard;
  const auto pixels = torch::from_blob(const_cast<std::uint8_t*>(picture.pixels.data()),
                                       {1, picture.height, picture.width, 3}, torch::kUInt8);
  const auto input = pixels.permute({0, 3, 1, 2}).to(device_, torch::kFloat32) / 255.0;
  torch::Tensor scores;
  try {
    scores = network_->scores(input);
  } catch (const std::exception& error) {  // whatever a script may throw
    const std::string what = error.what();
    throw Error(ErrorKind::input,
                file_ + " cannot segment a picture: " + what.substr(0, what.find('\n')));
  }
  require(scores.defined() && scores.dim() == 4 && scores.size(1) >= 2 && scores.size(1) < 256,
          ErrorKind::input,
          file_ + " gives no scores of 2 to 255 classes; a segmentation network is needed.");
  const auto classes =
      torch::upsample_bilinear2d(scores.to(torch::kFloat32), {height, width}, false)
          .argmax(1)
          .to(torch::kCPU, torch::kUInt8)
          .contiguous();
  const auto* data = classes.data_ptr<std::uint8_t>();
  return {data, data + classes.numel()};
}

}  // namespace semcodec
