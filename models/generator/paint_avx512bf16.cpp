// The kernels of paint_kernels.h for AVX-512 with BF16; how it is compiled says pair_loops.inc.

#include <algorithm>
#include <cmath>
#include <iterator>
#include <type_traits>

#include "models/generator/paint_kernels.h"
#include "models/pairs/simd_avx512bf16.h"

#ifdef SEMCODEC_HAVE_PAIRS
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
#include "models/pairs/pair_loops.inc"
// In this order.
#include "models/generator/paint_kernels.inc"
// (which these use)
#include "models/generator/paint_pairs.inc"
// Ends with the table.
#include "models/generator/paint_attention.inc"
#pragma GCC pop_options
#endif
