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
#include <tuple>
#include <type_traits>
#include <utility>
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

/// The same with inputs that have names. `Inputs` is a struct of tensors and of such structs, which
/// lists them: `static constexpr auto members() { return std::tuple(&Inputs::a, &Inputs::b); }`.
template <typename Inputs>
class GraphedCall {
 public:
  using Tensors = Graphed::Tensors;

  GraphedCall(std::string name, std::function<Tensors(const Inputs&)> function)
      : graphed_(std::move(name), [function = std::move(function)](const Tensors& flat) {
          Inputs inputs;
          std::size_t next = 0;
          each(inputs, [&](torch::Tensor& tensor) { tensor = flat[next++]; });
          return function(inputs);
        }) {}

  Tensors operator()(const Inputs& inputs) {
    Tensors flat;
    each(inputs, [&](const torch::Tensor& tensor) { flat.push_back(tensor); });
    return graphed_(flat);
  }

 private:
  template <typename Part, typename Visit>
  static void each(Part& part, const Visit& visit) {
    if constexpr (std::is_same_v<std::remove_const_t<Part>, torch::Tensor>) {
      visit(part);
    } else {
      std::apply([&](auto... member) { (each(part.*member, visit), ...); },
                 std::remove_const_t<Part>::members());
    }
  }

  Graphed graphed_;
};

}  // namespace semcodec
