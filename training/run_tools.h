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
