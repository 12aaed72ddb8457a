#pragma once
// How much memory torch's tensors on the CPU take, now and at most.

#include <cstdint>

namespace semcodec {

/// From the first call on, counts what torch allocates for tensors on the CPU. What was there
/// before is not seen, nor are libraries' own work areas.
void start_memory_meter();
/// Bytes in tensors now.
std::int64_t memory_now();
/// The most there was since the last call, or since the start.
std::int64_t take_memory_peak();

}  // namespace semcodec
