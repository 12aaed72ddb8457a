#pragma once
// What every step of a training needs: losses noted without stopping the device, gradients clipped,
// the learning rate of the step.

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "training/trainer/loss_log.h"

namespace semcodec {

/// The losses of one step, kept on the device until all are there.
class LossNotes {
 public:
  /// A scalar; `share` is the part of the batch that it is the mean of.
  void add(const std::string& name, const torch::Tensor& loss, double share = 1);
  /// Adds them to the log, asking the device once instead of stopping it at every loss, and begins
  /// anew.
  void settle(LossLog& log);

 private:
  struct Note {
    std::string name;
    torch::Tensor loss;
    double share;
  };
  std::vector<Note> notes_;
};

/// clip_grad_norm_() of torch in a few launches for all parameters together. `largest` 0: no limit.
/// Returns the norm before.
double clip_gradients(const std::vector<torch::Tensor>& parameters, double largest);

/// A learning rate that rises over `warm_up` steps and then falls along a cosine to `last`, as
/// shares of the first one: at `step` of `steps`.
double scheduled_rate(std::int64_t step, std::int64_t steps, std::int64_t warm_up, double last);

/// One that rises over `warm_up` steps, falls to a tenth at half of the run and to a hundredth at
/// four fifths.
double stepped_rate(std::int64_t step, std::int64_t steps, std::int64_t warm_up);

void set_rate(torch::optim::Adam& adam, double rate);

/// Whether all weights are finite numbers.
bool finite_weights(const std::vector<torch::Tensor>& parameters);

}  // namespace semcodec
