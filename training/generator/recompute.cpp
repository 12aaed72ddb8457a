#include "training/generator/recompute.h"

#include <utility>

namespace semcodec {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// How a std::function travels in the context of a node.
struct Holder : torch::CustomClassHolder {
  explicit Holder(TensorFunction function) : f(std::move(function)) {}
  TensorFunction f;
};

struct Recompute : torch::autograd::Function<Recompute> {
  // `coded frame` makes autograd build a node although perhaps no input wants a gradient: the
  // parameters inside `f` do, and only the node's backward can reach them.
  static variable_list forward(AutogradContext* context, const torch::Tensor& /*coded frame*/,
                               const c10::intrusive_ptr<Holder>& holder, at::TensorList inputs) {
    context->saved_data["f"] = c10::IValue::make_capsule(
        c10::static_intrusive_pointer_cast<torch::CustomClassHolder>(holder));
    context->save_for_backward(inputs.vec());
    const torch::NoGradGuard guard;
    return holder->f(inputs.vec());
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto capsule = context->saved_data["f"].toCapsule();
    auto& f = static_cast<Holder&>(*capsule).f;
    variable_list inputs;
    for (const auto& saved : context->get_saved_variables()) {
      auto input = saved.detach();
      if (saved.requires_grad()) input.requires_grad_(true);
      inputs.push_back(input);
    }
    variable_list outputs, wanted;
    {
      const torch::AutoGradMode mode(true);
      const auto again = f(inputs);
      for (std::size_t i = 0; i < again.size(); ++i) {
        if (!again[i].requires_grad() || !gradients[i].defined()) continue;
        outputs.push_back(again[i]);
        wanted.push_back(gradients[i]);
      }
    }
    if (!outputs.empty()) torch::autograd::backward(outputs, wanted);
    variable_list out(2);  // none for the coded frame and the function
    for (const auto& input : inputs) out.push_back(input.grad());
    return out;
  }
};

}  // namespace

std::vector<torch::Tensor> recomputed(const TensorFunction& f,
                                      const std::vector<torch::Tensor>& inputs) {
  if (!torch::GradMode::is_enabled()) return f(inputs);
  std::vector<torch::Tensor> defined;
  std::vector<bool> there;
  for (const auto& input : inputs) {
    there.push_back(input.defined());
    if (input.defined()) defined.push_back(input);
  }
  const auto whole = [f, there](const std::vector<torch::Tensor>& some) {
    std::vector<torch::Tensor> all;
    std::size_t next = 0;
    for (const bool is : there) all.push_back(is ? some[next++] : torch::Tensor());
    return f(all);
  };
  const auto coded_frame = torch::zeros({}, torch::requires_grad());
  return Recompute::apply(coded_frame, c10::make_intrusive<Holder>(whole), at::TensorList(defined));
}

}  // namespace semcodec
