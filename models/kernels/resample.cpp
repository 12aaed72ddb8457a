#include "models/kernels/resample.h"

#include "common/core/error.h"
#include "models/kernels/plain_kernels.h"

namespace semcodec {
namespace {

struct ResampleFunction : torch::autograd::Function<ResampleFunction> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& image, const torch::Tensor& flow) {
    context->save_for_backward({image, flow});
    return kernels::kernels_for(image.device()).resample(image, flow);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    // On CUDA the kernel adds in the order in which threads come.
    const bool ordered = saved[0].is_cuda() && at::globalContext().deterministicAlgorithms();
    const auto& table =
        ordered ? kernels::plain_kernels() : kernels::kernels_for(saved[0].device());
    const auto [image, flow] = table.resample_backward(
        grads[0], saved[0], saved[1], context->needs_input_grad(0), context->needs_input_grad(1));
    return {image, flow};
  }
};

}  // namespace

torch::Tensor resample(const torch::Tensor& image, const torch::Tensor& flow) {
  require(image.dim() == 4 && flow.dim() == 4 && flow.size(1) == 2 &&
              image.size(0) == flow.size(0) && image.size(2) == flow.size(2) &&
              image.size(3) == flow.size(3) && image.device() == flow.device(),
          ErrorKind::unsupported,
          "Warping needs an N x C x H x W image and an N x 2 x H x W flow on one device.");
  require(image.is_floating_point() && flow.is_floating_point(), ErrorKind::unsupported,
          "Warping takes floating types.");
  require(image.size(2) > 0 && image.size(3) > 0, ErrorKind::unsupported,
          "Warping needs an image of at least one pixel.");
  return ResampleFunction::apply(image, flow);
}

}  // namespace semcodec
