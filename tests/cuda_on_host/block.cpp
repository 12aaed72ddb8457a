#include "tests/cuda_on_host/block.h"

#include <csetjmp>

#include <ucontext.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace cuda_on_host {

Index thread_index, block_index;
Extent block_extent, grid_extent;

namespace {

constexpr std::size_t kStackBytes = 128 * 1024;
constexpr unsigned kMostThreads = 1024;
constexpr std::size_t kMostShared = 48 * 1024;  // that every kernel may have

struct Copy {
  void* to;
  const void* from;
  std::size_t bytes, zeros;
};

enum class State { ready, at_block, at_warp, ended };

// A fibre is entered once by its context, and from then on by jumps, which need no system call. It
// runs one thread after the other.
struct Fibre {
  ucontext_t context{};
  jmp_buf place{};
  bool begun = false;
  std::unique_ptr<std::byte[]> stack;
  State state = State::ended;
  Index index;
  std::vector<Copy> open;                // not yet committed
  std::deque<std::vector<Copy>> groups;  // committed
  void* sanitizer = nullptr;             // its view of the stack
};

struct Scheduler {
  jmp_buf place{};
  void* sanitizer = nullptr;
  const void* stack = nullptr;
  std::size_t stack_bytes = 0;
  std::vector<Fibre> fibres = std::vector<Fibre>(kMostThreads);
  unsigned current = 0;
  const std::function<void()>* thread = nullptr;
  std::vector<std::uint64_t> slots = std::vector<std::uint64_t>(kMostThreads);
  std::unique_ptr<std::max_align_t[]> shared{
      new std::max_align_t[kMostShared / sizeof(std::max_align_t)]};
};

Scheduler& scheduler() {
  static Scheduler instance;
  return instance;
}

// AddressSanitizer has to be told whose stack it is on.
void leave_to([[maybe_unused]] void** mine, [[maybe_unused]] const void* stack,
              [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(mine, stack, bytes);
#endif
}

void arrived([[maybe_unused]] void* mine, [[maybe_unused]] const void** stack,
             [[maybe_unused]] std::size_t* bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(mine, stack, bytes);
#endif
}

/// Leaves the running fibre for the scheduler until that comes back.
void give_way() {
  auto& s = scheduler();
  Fibre& self = s.fibres[s.current];
  leave_to(&self.sanitizer, s.stack, s.stack_bytes);
  if (_setjmp(self.place) == 0) _longjmp(s.place, 1);
  arrived(self.sanitizer, &s.stack, &s.stack_bytes);
}

void begin() {
  auto& s = scheduler();
  arrived(nullptr, &s.stack, &s.stack_bytes);
  for (;;) {
    (*s.thread)();
    s.fibres[s.current].state = State::ended;
    give_way();
  }
}

void wait(State state) {
  auto& s = scheduler();
  s.fibres[s.current].state = state;
  give_way();
}

void resume(unsigned rank) {
  auto& s = scheduler();
  Fibre& fibre = s.fibres[rank];
  s.current = rank;
  thread_index = fibre.index;
  leave_to(&s.sanitizer, fibre.stack.get(), kStackBytes);
  if (_setjmp(s.place) == 0) {
    if (std::exchange(fibre.begun, true)) _longjmp(fibre.place, 1);
    setcontext(&fibre.context);
  }
  arrived(s.sanitizer, nullptr, nullptr);
}

/// A fibre that is about to begin.
void make(Fibre& fibre) {
  fibre.stack = std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
  getcontext(&fibre.context);
  fibre.context.uc_stack.ss_sp = fibre.stack.get();
  fibre.context.uc_stack.ss_size = kStackBytes;
  makecontext(&fibre.context, begin, 0);
}

/// Lets those go on who wait in `state` among [first, last), if all do that have not ended.
bool release(unsigned first, unsigned last, State state) {
  auto& fibres = scheduler().fibres;
  bool any = false;
  for (unsigned i = first; i < last; ++i) {
    if (fibres[i].state == State::ended) continue;
    if (fibres[i].state != state) return false;
    any = true;
  }
  for (unsigned i = first; i < last; ++i) {
    if (fibres[i].state == state) fibres[i].state = State::ready;
  }
  return any;
}

void run_block(unsigned threads) {
  auto& s = scheduler();
  for (unsigned i = 0; i < threads; ++i) {
    Fibre& fibre = s.fibres[i];
    if (fibre.stack == nullptr) make(fibre);
    fibre.index = {i % block_extent.x, i / block_extent.x % block_extent.y,
                   i / block_extent.x / block_extent.y};
    fibre.open.clear();
    fibre.groups.clear();
    fibre.state = State::ready;
  }
  for (;;) {
    bool ran = false, alive = false;
    for (unsigned i = 0; i < threads; ++i) {
      if (s.fibres[i].state == State::ready) {
        resume(i);
        ran = true;
      }
      alive = alive || s.fibres[i].state != State::ended;
    }
    if (!alive) return;
    bool released = release(0, threads, State::at_block);
    for (unsigned first = 0; first < threads; first += kLanes) {
      released |= release(first, std::min(first + kLanes, threads), State::at_warp);
    }
    if (!ran && !released) throw std::logic_error("The threads of a block wait for ever.");
  }
}

}  // namespace

void run(Extent grid, Extent block, std::size_t shared_bytes, const std::function<void()>& thread) {
  const std::size_t threads = std::size_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > kMostThreads || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.y > 65535 || grid.z > 65535 || shared_bytes > kMostShared) {
    throw std::logic_error("CUDA would refuse this launch.");
  }
  auto& s = scheduler();
  for (Fibre& fibre : s.fibres) {
    if (fibre.state != State::ended) fibre = {};  // left waiting by a run that failed
  }
  s.thread = &thread;
  block_extent = block;
  grid_extent = grid;
  for (block_index.z = 0; block_index.z < grid.z; ++block_index.z) {
    for (block_index.y = 0; block_index.y < grid.y; ++block_index.y) {
      for (block_index.x = 0; block_index.x < grid.x; ++block_index.x) {
        std::memset(s.shared.get(), 0xA5, kMostShared);
        run_block(static_cast<unsigned>(threads));
      }
    }
  }
}

void* dynamic_memory() { return scheduler().shared.get(); }
void wait_for_block() { wait(State::at_block); }
void wait_for_warp() { wait(State::at_warp); }
unsigned thread_rank() { return scheduler().current; }

std::uint64_t* lane_slots() {
  auto& s = scheduler();
  return s.slots.data() + s.current / kLanes * kLanes;
}

void copy_later(void* to, const void* from, std::size_t bytes, std::size_t zeros) {
  auto& s = scheduler();
  s.fibres[s.current].open.push_back({to, from, bytes, zeros});
}

void commit_copies() {
  auto& s = scheduler();
  Fibre& self = s.fibres[s.current];
  self.groups.push_back(std::exchange(self.open, {}));
}

void finish_copies(std::size_t pending) {
  auto& s = scheduler();
  auto& groups = s.fibres[s.current].groups;
  for (; groups.size() > pending; groups.pop_front()) {
    for (const Copy& copy : groups.front()) {
      const std::size_t real = copy.bytes - copy.zeros;
      if (real > 0) std::memcpy(copy.to, copy.from, real);
      std::memset(static_cast<std::byte*>(copy.to) + real, 0, copy.zeros);
    }
  }
}

}  // namespace cuda_on_host
