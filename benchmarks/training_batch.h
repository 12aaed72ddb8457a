#pragma once
// Batches for training_bench: made once, so that no figure of it holds the making of samples.

#include <string>

#include "training/generator/generator_options.h"

namespace semcodec {

/// Writes a frame store of a rendered, moving picture, large enough for crops of `crop` pixels,
/// with its edges. The trainer wants one, and the batches below come from it.
void write_bench_store(const std::string& folder, int crop);

/// A batch as the trainer draws them from the store (sequence_sampler.h).
SequenceSample bench_batch(const GeneratorOptions& options, bool between);

/// A batch of random numbers for frames of any size (multiples of 32): all tensors that a step
/// holds, for where only their sizes matter.
SequenceSample random_batch(int count, int width, int height, bool between);

}  // namespace semcodec
