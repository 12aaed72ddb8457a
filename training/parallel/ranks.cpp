#include "training/parallel/ranks.h"

#include <chrono>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>

#include "common/app/interrupt.h"
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

#ifdef SEMCODEC_HAVE_MPI
/// Waits for a collective operation. A plain MPI_Wait would hang for ever when a rank has died:
/// mpirun then sends SIGTERM, which becomes a flag here, and the answer never comes.
void finish(MPI_Request request) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kPatience = std::chrono::seconds(60);
  auto asked = Clock::time_point::max();
  for (int done = 0, round = 0;; ++round) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return;
    if (interrupted()) {
      if (asked == Clock::time_point::max()) asked = Clock::now();
      require(Clock::now() - asked < kPatience, ErrorKind::internal,
              "The other ranks do not answer, one of them has probably died; the last checkpoint "
              "is whole, start the same command again with --resume.");
    }
    if (round > 1000) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}
#endif

}  // namespace

int Ranks::local_rank() const {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"}) {
    if (const char* text = std::getenv(name)) return std::atoi(text);
  }
  return rank_;
}

Ranks::Ranks() : uncaught_(std::uncaught_exceptions()) {
  if (launched_ranks() < 2) {
    const char* world = std::getenv("WORLD_SIZE");
    require(world == nullptr || std::atoi(world) < 2 || std::getenv("RANK") == nullptr,
            ErrorKind::unsupported,
            "torchrun's ranks (RANK, WORLD_SIZE) are not supported, since gradients travel by MPI; "
            "start this with mpirun -n " +
                std::string(world == nullptr ? "N" : world) + " instead.");
    return;
  }
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
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, all.data_ptr<float>(), static_cast<int>(all.numel()), MPI_FLOAT,
                 MPI_SUM, MPI_COMM_WORLD, &request);
  finish(request);
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
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE, MPI_SUM,
                 MPI_COMM_WORLD, &request);
  finish(request);
#endif
}

void Ranks::wait() const {
#ifdef SEMCODEC_HAVE_MPI
  if (size_ < 2) return;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  finish(request);
#endif
}

}  // namespace semcodec
