#include "models/kernels/fused_conv.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <array>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace semcodec {

namespace {

using Scalars = torch::List<std::optional<at::Scalar>>;
using Text = std::optional<std::string_view>;
using Sizes = at::IntArrayRef;

// The signatures with which torch registers them; typed() below throws if they ever change.
using Pointwise = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                             Sizes, Sizes, Sizes, std::int64_t, std::string_view, Scalars, Text);
using PointwiseAdd = at::Tensor&(at::Tensor&, const at::Tensor&, const at::Tensor&,
                                 const std::optional<at::Tensor>&, Sizes, Sizes, Sizes,
                                 std::int64_t, std::string_view, std::optional<at::Scalar>, Text,
                                 Scalars, Text);
using Reorder = at::Tensor(const at::Tensor&, Sizes, Sizes, Sizes, std::int64_t,
                           at::OptionalIntArrayRef);

using Pair = std::array<std::int64_t, 2>;

constexpr double kSlope = 0.2;
constexpr Pair kDilation{1, 1};

std::optional<c10::OperatorHandle> find(const char* name, const char* overload) {
  auto& dispatcher = c10::Dispatcher::singleton();
  return dispatcher.findSchema({name, overload});
}

struct Operators {
  c10::TypedOperatorHandle<Pointwise> pointwise;
  c10::TypedOperatorHandle<PointwiseAdd> add;
  c10::TypedOperatorHandle<Reorder> reorder;
};

/// Nothing where torch was built without oneDNN.
const std::optional<Operators>& operators() {
  static const std::optional<Operators> found = []() -> std::optional<Operators> {
    const auto pointwise = find("mkldnn::_convolution_pointwise", ""),
               add = find("mkldnn::_convolution_pointwise_", "binary"),
               reorder = find("mkldnn::_reorder_convolution_weight", "");
    if (!at::globalContext().hasMKLDNN() || !pointwise || !add || !reorder) return std::nullopt;
    return Operators{pointwise->typed<Pointwise>(), add->typed<PointwiseAdd>(),
                     reorder->typed<Reorder>()};
  }();
  return found;
}

}  // namespace

bool have_fused_convolutions() { return operators().has_value(); }

/// oneDNN chooses the order by the size of the maps; in another one it would reorder at every call.
struct FusedConv::Packed {
  std::mutex mutex;
  std::vector<std::int64_t> size;  ///< of the maps
  torch::Tensor weight;
};

FusedConv::FusedConv(const torch::Tensor& weight, const torch::Tensor& bias, int stride, int groups)
    : weight_(weight.detach().contiguous().clone()),
      bias_(bias.defined() ? bias.detach().clone() : bias),
      padding_(weight.size(2) / 2),
      stride_(stride),
      groups_(groups) {
  if (have_fused_convolutions()) {
    packed_ = std::make_shared<Packed>();
  } else {
    weight_ = weight_.contiguous(torch::MemoryFormat::ChannelsLast);
  }
}

torch::Tensor FusedConv::packed_for(const torch::Tensor& x) const {
  const std::lock_guard<std::mutex> lock(packed_->mutex);
  if (packed_->size != x.sizes()) {
    const Pair pad{padding_, padding_}, step{stride_, stride_};
    packed_->weight = operators()->reorder.call(weight_, pad, step, kDilation, groups_, x.sizes());
    packed_->size = x.sizes().vec();
  }
  return packed_->weight;
}

torch::Tensor FusedConv::run(const torch::Tensor& x, const torch::Tensor& bias,
                             Activation then) const {
  if (packed_ == nullptr) {
    auto y = torch::conv2d(x, weight_, bias, stride_, padding_, 1, groups_);
    if (then == Activation::leaky_relu) return torch::leaky_relu_(y, kSlope);
    return then == Activation::gelu ? torch::gelu(y, "tanh") : y;
  }
  const Pair pad{padding_, padding_}, step{stride_, stride_};
  const auto weight = packed_for(x);
  const auto optional_bias = bias.defined() ? std::optional(bias) : std::nullopt;
  const auto call = [&](std::string_view name, Scalars values, Text algorithm) {
    return operators()->pointwise.call(x, weight, optional_bias, pad, step, kDilation, groups_,
                                       name, std::move(values), algorithm);
  };
  if (then == Activation::leaky_relu) {
    return call("leaky_relu", Scalars({std::optional(at::Scalar(kSlope))}), std::nullopt);
  }
  return then == Activation::gelu ? call("gelu", Scalars(), "tanh")
                                  : call("none", Scalars(), std::nullopt);
}

void FusedConv::add_to(torch::Tensor& sum, const torch::Tensor& x) const {
  if (packed_ == nullptr) {
    sum.add_(torch::conv2d(x, weight_, bias_, stride_, padding_, 1, groups_));
    return;
  }
  const Pair pad{padding_, padding_}, step{stride_, stride_};
  operators()->add.call(sum, x, packed_for(x),
                        bias_.defined() ? std::optional(bias_) : std::nullopt, pad, step, kDilation,
                        groups_, "add", at::Scalar(1.0), std::nullopt, Scalars(), std::nullopt);
}

}  // namespace semcodec
