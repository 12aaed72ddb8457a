#pragma once
// A function of tensors that runs as one CUDA graph.
//
// At the sizes of this codec a network is some hundred short kernels, and launching them one by one
// takes longer than running them. A graph is recorded once for each set of input shapes and then
// starts with one call. On the CPU, and where libsemcodec_cuda.so is not loaded, the function is
// simply called (the latter is said once).

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace semcodec {

class Graphed {
 public:
  using Tensors = std::vector<torch::Tensor>;
  /// Must do the same for the same shapes: no look at values, nothing copied from or to the CPU.
  using Function = std::function<Tensors(const Tensors&)>;

  /// `name` stands in messages ("generation of interpolated frames").
  Graphed(std::string name, Function function);
  ~Graphed();
  Graphed(const Graphed&) = delete;
  Graphed& operator=(const Graphed&) = delete;

  /// function(inputs), without gradients. All inputs are on one device; undefined ones are passed
  /// on as such. The results are the graph's own memory and hold until the next call with the same
  /// shapes: copy what is to stay. Work is queued on the current stream. Calls must not overlap.
  Tensors operator()(const Tensors& inputs);

 private:
  struct Plan;
  Plan& plan_for(const Tensors& inputs);

  std::string name_;
  Function function_;
  std::vector<std::unique_ptr<Plan>> plans_;
};

}  // namespace semcodec
