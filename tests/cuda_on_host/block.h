#pragma once
// Runs CUDA kernels on the CPU, so that their code is tested where there is no GPU.
//
// A kernel's source is compiled by the host compiler with this folder before all others on its
// include path; cuda_runtime.h and its neighbours here stand in for CUDA's. The threads of a block
// are fibres of one thread of the operating system: each runs until it waits for the others, so
// that barriers and exchanges between lanes mean what they mean on a GPU. Blocks come one after the
// other. What this cannot show: races within a block between two barriers, and speed.

#include <cstddef>
#include <cstdint>
#include <functional>

namespace cuda_on_host {

struct Index {
  unsigned x = 0, y = 0, z = 0;
};

/// As CUDA's: missing dimensions are 1.
struct Extent {
  unsigned x, y, z;
  constexpr Extent(unsigned width = 1, unsigned height = 1, unsigned depth = 1)
      : x(width), y(height), z(depth) {}
};

/// Where the running thread is.
extern Index thread_index, block_index;
extern Extent block_extent, grid_extent;

constexpr unsigned kLanes = 32;

/// Runs `thread` for all threads of all blocks. `shared_bytes`: of dynamic shared memory. Throws
/// std::logic_error where CUDA refuses the launch (no or too many threads, too much memory) or
/// where the threads of a block wait for each other for ever.
void run(Extent grid, Extent block, std::size_t shared_bytes, const std::function<void()>& thread);

/// The block's dynamic shared memory; filled with a pattern before each block.
void* dynamic_memory();

/// Waits for all threads of the block that have not ended.
void wait_for_block();

/// Waits for all threads of the warp that have not ended.
void wait_for_warp();

/// Number of the running thread in its block, x first.
unsigned thread_rank();

/// 8 bytes of each lane of the running thread's warp, for exchanges between two waits.
std::uint64_t* lane_slots();

/// Copies as of cp.async: nothing is there before the thread waits for it.
void copy_later(void* to, const void* from, std::size_t bytes, std::size_t zeros);
void commit_copies();
/// Waits for all groups of copies but the last `pending`.
void finish_copies(std::size_t pending);

}  // namespace cuda_on_host
