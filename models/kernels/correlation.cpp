#include "models/kernels/correlation.h"

#include "common/core/error.h"
#include "models/kernels/dispatch.h"

namespace semcodec {
namespace {

struct CorrelationFunction : torch::autograd::Function<CorrelationFunction> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& a,
                               const torch::Tensor& b, std::int64_t steps, std::int64_t stride) {
    context->save_for_backward({a, b});
    context->saved_data["steps"] = steps;
    context->saved_data["stride"] = stride;
    return kernels::kernels_for(a.device())
        .correlation(a, b, static_cast<int>(steps), static_cast<int>(stride));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    const auto [grad_a, grad_b] =
        kernels::kernels_for(saved[0].device())
            .correlation_backward(grads[0], saved[0], saved[1],
                                  static_cast<int>(context->saved_data["steps"].toInt()),
                                  static_cast<int>(context->saved_data["stride"].toInt()));
    return {grad_a, grad_b, torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor correlation(const torch::Tensor& a, const torch::Tensor& b, int max_displacement,
                          int stride) {
  require(a.dim() == 4 && a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
              a.device() == b.device(),
          ErrorKind::unsupported,
          "The correlation layer needs two N x C x H x W tensors of one shape, type and device.");
  require(a.scalar_type() == torch::kFloat || a.scalar_type() == torch::kDouble ||
              a.scalar_type() == torch::kBFloat16 || a.scalar_type() == torch::kHalf,
          ErrorKind::unsupported,
          "The correlation layer takes double, float, bfloat16 or half precision.");
  require(stride > 0 && max_displacement >= 0 && max_displacement <= 256, ErrorKind::unsupported,
          "The correlation layer needs a positive stride and a displacement of 0 to 256.");
  return CorrelationFunction::apply(a, b, std::int64_t{max_displacement / stride},
                                    std::int64_t{stride});
}

}  // namespace semcodec
