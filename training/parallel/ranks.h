#pragma once
// Data-parallel training: every rank works on its share of the batch, gradients are averaged.
//
// On CPUs and between hosts this is MPI: start the program with `mpirun -n 2 semcodec-train …`.
// For networks of this size one all-reduce of the flattened gradients a step is enough. A program
// that was not started by mpirun is its own only rank, and a build without MPI knows no other case.
// When a rank dies, mpirun says which one it was and asks the others to end; one that waits for the
// dead one then gives up after a minute. torchrun is not supported: it starts processes, but
// brings no MPI that could connect them, and says so.

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace semcodec {

class Ranks {
 public:
  /// Joins the others when mpirun started this process. Throws Error(unsupported) when it did but
  /// the build has no MPI, and when torchrun did. Once a process.
  Ranks();
  /// Leaves; after an exception it ends the whole job, since the others would wait for ever.
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  /// Among the ranks on this machine.
  int local_rank() const;
  bool first() const { return rank_ == 0; }

  /// Replaces the gradients of `parameters` by their mean over all ranks. A parameter without a
  /// gradient on this rank counts as zero. Returns the sum of `flag` over the ranks, which rides
  /// along: a wish to stop, so that all stop after the same step.
  double average_gradients(const std::vector<torch::Tensor>& parameters, double flag = 0) const;

  /// Sums over the ranks, in place.
  void sum(std::vector<double>& values) const;

  /// Waits for the others.
  void wait() const;

 private:
  int rank_ = 0, size_ = 1;
  int uncaught_ = 0;
};

}  // namespace semcodec
