#include "common/entropy/mixing.h"

#include <algorithm>
#include <cstddef>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define SEMCODEC_AVX2 __attribute__((target("avx2")))
#endif

namespace semcodec::entropy {
namespace {

// |w / 16| <= 2^14, 16 inputs: the sum stays below 2^30.
void mix_plain(MixWork& work) {
  for (std::size_t g = 0; g < std::size_t{kGroups}; ++g) {
    const std::int32_t* w = work.weights[g];
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < std::size_t{kInputs}; ++i) sum += (w[i] >> 4) * work.x[i];
    work.sum[g] = sum >> 12;
  }
}

// Nothing here exceeds 2^28.
void train_plain(MixWork& work) {
  for (std::size_t g = 0; g < std::size_t{kGroups}; ++g) {
    std::int32_t* w = work.weights[g];
    for (std::size_t i = 0; i < std::size_t{kInputs}; ++i) {
      const std::int32_t moved = w[i] + ((work.x[i] * work.gain[g] + (1 << 13)) >> 14);
      w[i] = std::clamp(moved, -kWeightMax, kWeightMax);
    }
  }
}

#ifdef SEMCODEC_AVX2
static_assert(kInputs == 16 && kGroups == 2);

SEMCODEC_AVX2 __m256i load(const std::int32_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

SEMCODEC_AVX2 __m256i products(const std::int32_t* w, __m256i x0, __m256i x1) {
  return _mm256_add_epi32(_mm256_mullo_epi32(_mm256_srai_epi32(load(w), 4), x0),
                          _mm256_mullo_epi32(_mm256_srai_epi32(load(w + 8), 4), x1));
}

SEMCODEC_AVX2 void mix_avx2(MixWork& work) {
  const __m256i x0 = load(work.x.data());
  const __m256i x1 = load(work.x.data() + 8);
  // Pairs of sums: in each half a a b b, then a b a b.
  const __m256i halves =
      _mm256_hadd_epi32(products(work.weights[0], x0, x1), products(work.weights[1], x0, x1));
  const __m128i four =
      _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  const __m128i two = _mm_srai_epi32(_mm_hadd_epi32(four, four), 12);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(work.sum.data()), two);
}

SEMCODEC_AVX2 void train_avx2(MixWork& work) {
  const __m256i half = _mm256_set1_epi32(1 << 13);
  const __m256i highest = _mm256_set1_epi32(kWeightMax);
  const __m256i lowest = _mm256_set1_epi32(-kWeightMax);
  for (std::size_t g = 0; g < std::size_t{kGroups}; ++g) {
    const __m256i gain = _mm256_set1_epi32(work.gain[g]);
    for (std::size_t i = 0; i < std::size_t{kInputs}; i += 8) {
      std::int32_t* w = work.weights[g] + i;
      const __m256i step = _mm256_srai_epi32(
          _mm256_add_epi32(_mm256_mullo_epi32(load(work.x.data() + i), gain), half), 14);
      const __m256i moved = _mm256_add_epi32(load(w), step);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(w),
                          _mm256_min_epi32(_mm256_max_epi32(moved, lowest), highest));
    }
  }
}

constexpr MixKernels kAvx2Kernels{mix_avx2, train_avx2};
#endif

}  // namespace

const MixKernels kPlainKernels{mix_plain, train_plain};

const MixKernels& best_kernels() {
#ifdef SEMCODEC_AVX2
  if (__builtin_cpu_supports("avx2")) return kAvx2Kernels;
#endif
  return kPlainKernels;
}

}  // namespace semcodec::entropy
