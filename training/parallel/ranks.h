#pragma once
// Data-parallel training: every rank works on its share of the batch, gradients are averaged.
//
// Started by `mpirun -n 2 semcodec-train …` the ranks talk by MPI; started by torchrun, or by
// whoever sets its environment variables, by the Gloo that LibTorch brings (rank_engine.h). For
// networks of this size one all-reduce of the flattened gradients a step is enough. A program that
// neither of them started is its own only rank. When a rank dies, the others end with a sentence:
// with Gloo at once, with MPI when mpirun tells them, a minute later at most.

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace semcodec {

class GpuSum;
class RankEngine;

class Ranks {
 public:
  /// Joins the others, if there are any. Once a process. Throws as join_mpi() and join_gloo().
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

  /// Lets the gradients of several ranks travel between their GPUs by NCCL instead of through main
  /// memory. Throws as join_nccl(), and Error(usage) when `device` is no GPU.
  void use_nccl(torch::Device device);

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
  std::unique_ptr<RankEngine> engine_;  ///< none when there is one rank
  std::unique_ptr<GpuSum> gpus_;        ///< none: through main memory
};

}  // namespace semcodec
