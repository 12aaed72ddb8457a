#include "models/kernels/channel_norm.h"

#include "common/core/error.h"
#include "models/kernels/cpu_kernels.h"
#include "models/kernels/dispatch.h"

namespace semcodec {
namespace {

struct ChannelNormFunction : torch::autograd::Function<ChannelNormFunction> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x) {
    auto norm = kernels::kernels_for(x.device()).channel_norm(x);
    context->save_for_backward({x, norm});
    return norm;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    return {kernels::kernels_for(saved[0].device())
                .channel_norm_backward(grads[0], saved[0], saved[1])};
  }
};

}  // namespace

torch::Tensor channel_norm(const torch::Tensor& x) {
  require(x.dim() == 4, ErrorKind::unsupported, "ChannelNorm needs an N x C x H x W tensor.");
  require(x.is_floating_point(), ErrorKind::unsupported, "ChannelNorm takes floating types.");
  return ChannelNormFunction::apply(x);
}

namespace kernels {

// A handful of channels at most, and torch's own operators are vectorised and threaded: nothing
// hand-written would be faster than reading the data once or twice.
torch::Tensor channel_norm_cpu(const torch::Tensor& x) {
  const auto wide = x.scalar_type() == torch::kDouble ? x : x.to(torch::kFloat);
  auto sum = wide.select(1, 0).square();
  for (std::int64_t c = 1; c < wide.size(1); ++c) {
    const auto plane = wide.select(1, c);
    sum.addcmul_(plane, plane);
  }
  return sum.sqrt_().unsqueeze(1).to(x.scalar_type());
}

torch::Tensor channel_norm_backward_cpu(const torch::Tensor& grad, const torch::Tensor& x,
                                        const torch::Tensor& norm) {
  const auto scale = torch::where(norm > 0, grad / norm, torch::zeros_like(grad));
  return x * scale;
}

}  // namespace kernels
}  // namespace semcodec
