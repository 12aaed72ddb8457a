// The kernels of generator_kernels.h for AVX-512 with BF16; how it is compiled says pair_loops.inc.

#include <algorithm>
#include <cmath>
#include <iterator>
#include <type_traits>

#include "models/generator/generator_kernels.h"
#include "models/pairs/simd_avx512bf16.h"

#ifdef SEMCODEC_HAVE_PAIRS
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
// Each of them builds on those before, and the last one has the table.
// clang-format off
#include "models/pairs/pair_loops.inc"
#include "models/generator/generator_kernels.inc"
#include "models/generator/generator_pairs.inc"
#include "models/generator/generator_attention.inc"
// clang-format on
#pragma GCC pop_options
#endif
