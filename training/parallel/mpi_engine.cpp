// Ranks over MPI; see rank_engine.h.

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "common/app/interrupt.h"
#include "common/core/error.h"
#include "training/parallel/rank_engine.h"

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
      require(Clock::now() - asked < kPatience, ErrorKind::internal, kOthersAreGone);
    }
    if (round > 1000) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

class MpiEngine : public RankEngine {
 public:
  MpiEngine() {
    int threads = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &threads);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override {
    for (const char* name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID"}) {
      if (const char* text = std::getenv(name)) return std::atoi(text);
    }
    return rank_;
  }
  void sum(torch::Tensor& values) override {
    const auto type = values.scalar_type() == torch::kFloat64 ? MPI_DOUBLE : MPI_FLOAT;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallreduce(MPI_IN_PLACE, values.data_ptr(), static_cast<int>(values.numel()), type, MPI_SUM,
                   MPI_COMM_WORLD, &request);
    finish(request);
  }
  void wait() override {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    finish(request);
  }
  void leave(bool failed) override {
    if (failed) {
      MPI_Abort(MPI_COMM_WORLD, 1);
    } else {
      MPI_Finalize();
    }
  }

 private:
  int rank_ = 0, size_ = 1;
};
#endif

}  // namespace

std::unique_ptr<RankEngine> join_mpi() {
  if (launched_ranks() < 2) return nullptr;
#ifdef SEMCODEC_HAVE_MPI
  return std::make_unique<MpiEngine>();
#else
  throw Error(ErrorKind::unsupported,
              "This build has no MPI, so mpirun cannot connect its ranks; install libopenmpi-dev "
              "and build again, or start it with torchrun.");
#endif
}

}  // namespace semcodec
