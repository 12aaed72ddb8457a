#include "models/core/network_cost.h"

#include <ATen/record_function.h>

#include <memory>
#include <string_view>

#include "common/core/error.h"

namespace semcodec {

namespace {

thread_local NetworkCost* counting = nullptr;

double count_of(const at::Tensor& t) { return static_cast<double>(t.numel()); }

void add_both(double macs) {
  counting->macs += macs;
  counting->macs_of_outputs += macs;
}

/// A convolution that runs. Operators' inputs can be seen before the call alone, outputs after it.
struct Convolution : at::ObserverContext {
  double of_an_output = 0;  ///< products for each output value
  double whole = 0;         ///< of all, where the outputs do not say it; else 0
};

/// aten::convolution(input, weight, bias, stride, padding, dilation, transposed, padding, groups).
std::unique_ptr<Convolution> convolution_of(c10::ArrayRef<const c10::IValue> in) {
  const auto& input = in[0].toTensor();
  const auto& weight = in[1].toTensor();
  auto call = std::make_unique<Convolution>();
  const double taps = count_of(weight) / static_cast<double>(weight.size(0));
  call->of_an_output = taps;  // weight: out × in/groups × k × k
  if (in[6].toBool()) {
    // weight: in × out/groups × k × k; each input value meets all of its kernel once.
    call->whole = count_of(input) * taps;
    call->of_an_output = taps / static_cast<double>(weight.size(1)) *
                         static_cast<double>(weight.size(0)) / static_cast<double>(in[8].toInt());
  }
  return call;
}

void add_product(const at::Tensor& a, const at::Tensor& b) {
  add_both(count_of(a) * static_cast<double>(b.size(-1)));
}

std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& call) {
  if (counting == nullptr) return nullptr;
  const std::string_view name = call.name();
  const auto in = call.inputs();
  if (name == "aten::convolution") return convolution_of(in);
  if (name == "aten::mm" || name == "aten::bmm") {
    add_product(in[0].toTensor(), in[1].toTensor());
  } else if (name == "aten::addmm" || name == "aten::baddbmm") {
    add_product(in[1].toTensor(), in[2].toTensor());
  } else if (name == "aten::_scaled_dot_product_flash_attention_for_cpu" ||
             name == "aten::_scaled_dot_product_flash_attention" ||
             name == "aten::_scaled_dot_product_efficient_attention") {
    // Queries × keys, and weights × values.
    const auto &query = in[0].toTensor(), &key = in[1].toTensor(), &value = in[2].toTensor();
    const double pairs =
        count_of(query) / static_cast<double>(query.size(-1)) * static_cast<double>(key.size(-2));
    add_both(pairs * static_cast<double>(query.size(-1) + value.size(-1)));
  }
  return nullptr;
}

void after(const at::RecordFunction& call, at::ObserverContext* context) {
  const auto* convolution = dynamic_cast<const Convolution*>(context);
  if (convolution == nullptr || counting == nullptr) return;
  const double by_outputs = convolution->of_an_output * count_of(call.outputs()[0].toTensor());
  counting->macs += convolution->whole > 0 ? convolution->whole : by_outputs;
  counting->macs_of_outputs += by_outputs;
}

/// Observes this thread while it lives.
class Observer {
 public:
  explicit Observer(NetworkCost& cost) {
    require(counting == nullptr, ErrorKind::internal, "A cost is being counted already.");
    counting = &cost;
    handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&before, &after)
                                             .needsInputs(true)
                                             .needsOutputs(true)
                                             .scopes({at::RecordScope::FUNCTION}));
  }
  ~Observer() {
    at::removeCallback(handle_);
    counting = nullptr;
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

 private:
  at::CallbackHandle handle_{};
};

}  // namespace

std::int64_t count_parameters(const torch::nn::Module& net) {
  std::int64_t count = 0;
  for (const auto& parameter : net.parameters()) count += parameter.numel();
  return count;
}

NetworkCost measure_cost(const std::function<void()>& forward) {
  const torch::NoGradGuard no_grad;
  NetworkCost cost;
  const Observer observer(cost);
  forward();
  return cost;
}

}  // namespace semcodec
