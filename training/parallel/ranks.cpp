#include "training/parallel/ranks.h"

#include <cstdlib>
#include <exception>
#include <string>

#include "common/core/error.h"

#ifdef SEMCODEC_HAVE_MPI
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>
#endif

namespace semcodec {

namespace {

/// How many ranks mpirun says there are; 0 when this process was not started by it.
int launched_ranks() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    if (const char* text = std::getenv(name)) return std::atoi(text);
  }
  return 0;
}

}  // namespace

Ranks::Ranks() : uncaught_(std::uncaught_exceptions()) {
  if (launched_ranks() < 2) return;
#ifdef SEMCODEC_HAVE_MPI
  int threads = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &threads);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
#else
  throw Error(ErrorKind::unsupported,
              "This build has no MPI, so it cannot be one of several ranks; install libopenmpi-dev "
              "and build again, or start it without mpirun.");
#endif
}

Ranks::~Ranks() {
#ifdef SEMCODEC_HAVE_MPI
  if (size_ < 2) return;
  if (std::uncaught_exceptions() > uncaught_) {
    MPI_Abort(MPI_COMM_WORLD, 1);
  } else {
    MPI_Finalize();
  }
#endif
}

double Ranks::average_gradients(const std::vector<torch::Tensor>& parameters, double flag) const {
  if (size_ < 2) return flag;
  const torch::NoGradGuard guard;
  std::vector<torch::Tensor> parts;
  for (const auto& parameter : parameters) {
    auto& gradient = const_cast<torch::Tensor&>(parameter).mutable_grad();
    if (!gradient.defined()) gradient = torch::zeros_like(parameter);
    parts.push_back(gradient.reshape({-1}).to(torch::kCPU, torch::kFloat32));
  }
  parts.push_back(torch::full({1}, flag, torch::kFloat32));
  auto all = torch::cat(parts);
#ifdef SEMCODEC_HAVE_MPI
  MPI_Allreduce(MPI_IN_PLACE, all.data_ptr<float>(), static_cast<int>(all.numel()), MPI_FLOAT,
                MPI_SUM, MPI_COMM_WORLD);
#endif
  std::int64_t offset = 0;
  for (const auto& parameter : parameters) {
    const auto& gradient = parameter.grad();
    const auto count = gradient.numel();
    const auto mean = all.narrow(0, offset, count) / size_;
    gradient.copy_(mean.reshape(gradient.sizes()));
    offset += count;
  }
  return all[offset].item<double>();
}

void Ranks::sum(std::vector<double>& values) const {
  if (size_ < 2) return;
#ifdef SEMCODEC_HAVE_MPI
  MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE, MPI_SUM,
                MPI_COMM_WORLD);
#endif
}

void Ranks::wait() const {
#ifdef SEMCODEC_HAVE_MPI
  if (size_ > 1) MPI_Barrier(MPI_COMM_WORLD);
#endif
}

}  // namespace semcodec
