#pragma once
// How a training run begins, and what it survives.

#include <torch/torch.h>

#include <string>

#include "common/core/error.h"
#include "common/core/log.h"
#include "training/parallel/ranks.h"

namespace semcodec {

/// Before the first network: the device ("auto", "cpu", "cuda:N"; the ranks of a machine share its
/// GPUs), the threads (0 = one a core), and the seed of the initial weights.
torch::Device prepare_torch(const std::string& device, int threads, std::uint64_t seed,
                            const Ranks& ranks);

/// Loads weights to start from. A network with more residual blocks than the file has starts as the
/// file's does: the second convolution of the new blocks is zero, so that they add nothing until
/// they have learnt something (Chen et al. 2016, arXiv 1511.05641). Where the file has nothing
/// whose name begins with `own_part`, the module keeps its own. Throws as load_into().
void start_from(torch::nn::Module& module, const std::string& path,
                const std::string& own_part = {});

/// Removes what a run that was killed while writing PATH left beside it.
void remove_partial_files(const std::string& path);

/// Runs what may fail for want of space without ending the training. The last checkpoint is whole
/// in any case, since files appear under their names when they are complete.
template <typename Function>
void unless_disk_is_full(const Function& f) {
  try {
    f();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::output) throw;
    log::warning(std::string(error.what()) + " The training goes on without it.");
  }
}

}  // namespace semcodec
