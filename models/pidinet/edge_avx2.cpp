// The kernels of edge_kernels.h for AVX2 and FMA; how it is compiled says pair_loops.inc.

#include <algorithm>
#include <iterator>

#include "models/pairs/simd_avx2.h"
#include "models/pidinet/edge_kernels.h"

#ifdef SEMCODEC_HAVE_PAIRS
#pragma GCC push_options
#pragma GCC target("avx2,fma")
// The second one builds on the first.
// clang-format off
#include "models/pairs/pair_loops.inc"
#include "models/pidinet/edge_kernels.inc"
// clang-format on
#pragma GCC pop_options
#endif
