#pragma once
// What carries numbers between ranks; chosen by how the program was started.

#include <torch/torch.h>

#include <memory>

namespace semcodec {

class RankEngine {
 public:
  virtual ~RankEngine() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Among the ranks on this machine.
  virtual int local_rank() const = 0;

  /// Sums a contiguous float32 or float64 tensor on the CPU over the ranks, in place. This and
  /// wait() throw Error(internal) when another rank has died.
  virtual void sum(torch::Tensor& values) = 0;
  virtual void wait() = 0;
  /// Before the end of the program. `failed`: this rank gives up, and the others must not wait.
  virtual void leave(bool failed) = 0;
};

/// When mpirun started this process as one of several. Throws Error(unsupported) in a build without
/// MPI.
std::unique_ptr<RankEngine> join_mpi();

/// When torchrun did, or whoever sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT (and
/// LOCAL_RANK). Throws Error(usage) when one of them is missing or wrong, Error(unsupported) in a
/// build whose LibTorch has no Gloo, Error(internal) when the others do not come.
std::unique_ptr<RankEngine> join_gloo();

/// What a rank says when another one does not answer.
inline constexpr const char* kOthersAreGone =
    "The other ranks do not answer, one of them has probably died; the last checkpoint is whole, "
    "start the same command again with --resume.";

}  // namespace semcodec
