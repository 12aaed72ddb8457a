// Ranks over torch's own Gloo, met by the environment variables of torchrun; see rank_engine.h.

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/core/error.h"
#include "common/core/log.h"
#include "training/parallel/rank_engine.h"

#ifdef SEMCODEC_HAVE_GLOO
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

namespace semcodec {

namespace {

/// A whole number from the environment.
int number(const char* name, int least, int most) {
  const char* text = std::getenv(name);
  int value = 0;
  const char* end = text == nullptr ? nullptr : text + std::strlen(text);
  const bool good = text != nullptr && std::from_chars(text, end, value).ptr == end &&
                    end != text && value >= least && value <= most;
  require(good, ErrorKind::usage,
          std::string("RANK and WORLD_SIZE say that this is one of several ranks, but ") + name +
              (text == nullptr ? " is not set" : " is '" + std::string(text) + "'") +
              "; start it with torchrun or mpirun, or unset WORLD_SIZE.");
  return value;
}

#ifdef SEMCODEC_HAVE_GLOO
constexpr auto kMeeting = std::chrono::seconds(120);  // until all have started
constexpr auto kAnswer = std::chrono::minutes(10);    // a step, or a checkpoint on a slow disk

/// torch's messages carry the stack after their first line.
std::string first_line(const char* text) {
  const std::string all = text;
  return all.substr(0, std::min<std::size_t>(all.find_first_of("\n"), 200));
}

class GlooEngine : public RankEngine {
 public:
  GlooEngine()
      : size_(number("WORLD_SIZE", 2, 1 << 16)),
        rank_(number("RANK", 0, size_ - 1)),
        local_rank_(std::getenv("LOCAL_RANK") == nullptr ? rank_
                                                         : number("LOCAL_RANK", 0, 1 << 16)) {
    const int port = number("MASTER_PORT", 1, 65535);
    const char* host = std::getenv("MASTER_ADDR");
    require(host != nullptr, ErrorKind::usage,
            "RANK and WORLD_SIZE say that this is one of several ranks, but MASTER_ADDR is not "
            "set; start it with torchrun or mpirun, or unset WORLD_SIZE.");
    try {
      group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(
          meeting_point(host, port), rank_, size_,
          c10d::ProcessGroupGloo::Options::create_default(kMeeting));
      group_->barrier()->wait();
      group_->setTimeout(kAnswer);
    } catch (const std::exception& error) {
      throw Error(ErrorKind::internal,
                  "Rank " + std::to_string(rank_) + " could not meet the other ranks at " + host +
                      ":" + std::to_string(port) + " (" + first_line(error.what()) +
                      "); start all of them with the same MASTER_ADDR and MASTER_PORT.");
    }
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }
  void sum(torch::Tensor& values) override {
    std::vector<at::Tensor> one = {values};
    finish(group_->allreduce(one));
  }
  void wait() override { finish(group_->barrier()); }
  void leave(bool failed) override {
    // Connections close when the process ends, and the others notice. Whoever holds the meeting
    // point must not go first.
    if (failed) return;
    try {
      wait();
    } catch (const std::exception& error) {
      log::warning(error.what());
    }
  }

 private:
  c10::intrusive_ptr<c10d::Store> meeting_point(const char* host, int port) const {
    // torchrun holds the store itself when it says so, and shares it among restarts.
    const char* agent = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
    const bool held = agent != nullptr && std::string(agent) == "True";
    c10d::TCPStoreOptions options;
    options.port = static_cast<std::uint16_t>(port);
    options.isServer = rank_ == 0 && !held;
    options.numWorkers = static_cast<std::size_t>(size_);
    options.waitWorkers = false;
    options.timeout = kMeeting;
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    const char* restart = std::getenv("TORCHELASTIC_RESTART_COUNT");
    return c10::make_intrusive<c10d::PrefixStore>(
        std::string("semcodec/") + (restart == nullptr ? "0" : restart), std::move(store));
  }
  static void finish(const c10::intrusive_ptr<c10d::Work>& work) {
    try {
      work->wait();
    } catch (const std::exception& error) {
      throw Error(ErrorKind::internal,
                  std::string(kOthersAreGone) + " (" + first_line(error.what()) + ")");
    }
  }

  int size_, rank_, local_rank_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
};
#endif

}  // namespace

std::unique_ptr<RankEngine> join_gloo() {
  const char* world = std::getenv("WORLD_SIZE");
  if (world == nullptr || std::atoi(world) < 2 || std::getenv("RANK") == nullptr) return nullptr;
#ifdef SEMCODEC_HAVE_GLOO
  return std::make_unique<GlooEngine>();
#else
  number("RANK", 0, 1 << 16);
  throw Error(ErrorKind::unsupported,
              "RANK and WORLD_SIZE say that torchrun started this, but the LibTorch of this build "
              "has no Gloo to connect its ranks; start it with mpirun -n " +
                  std::string(world) + " instead.");
#endif
}

}  // namespace semcodec
