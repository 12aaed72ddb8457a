#pragma once
// Notices that a training has gone wrong, from its losses.

#include <cstdint>
#include <optional>
#include <string>

namespace semcodec {

class DivergenceGuard {
 public:
  /// `loss`: the whole objective of a step; `error`: the mean absolute error of its pictures, in
  /// 0..1 when all is well; `finite_gradient`: of the step before. Returns what is wrong as the end
  /// of a sentence ("the loss is no number"), or nothing.
  ///
  /// Wrong is: a loss or error that is no finite number, three such gradients in a row, or an error
  /// that, averaged over some 20 steps, rises to more than three times its lowest average plus 0.1.
  /// The error is watched instead of the loss, since terms join the loss in the course of a run.
  std::optional<std::string> check(double loss, double error, bool finite_gradient);

  /// After going back to a checkpoint: forgets the average, keeps the lowest one.
  void restart();

 private:
  double average_ = 0, lowest_ = 0;
  std::int64_t seen_ = 0;
  int bad_gradients_ = 0;
  bool known_ = false;
};

}  // namespace semcodec
