#pragma once
// Asynchronous copies to shared memory, for the CPU: they arrive when the thread waits for them.

#include "tests/cuda_on_host/block.h"

inline void __pipeline_memcpy_async(void* to, const void* from, std::size_t bytes,
                                    std::size_t zeros = 0) {
  cuda_on_host::copy_later(to, from, bytes, zeros);
}
inline void __pipeline_commit() { cuda_on_host::commit_copies(); }
inline void __pipeline_wait_prior(std::size_t pending) { cuda_on_host::finish_copies(pending); }
