#include "models/generator/generator_kernels.h"

#include "common/core/error.h"

namespace semcodec::generate {

std::int64_t units_of(int width, int height) {
  return std::int64_t{(width + pairs::kSpan - 1) / pairs::kSpan} * height;
}

const Kernels& kernels(pairs::Level level) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  switch (level) {
    case pairs::Level::avx2:
      return avx2::kKernels;
    case pairs::Level::avx512:
      return avx512::kKernels;
    case pairs::Level::avx512bf16:
      return avx512bf16::kKernels;
  }
#endif
  throw Error(ErrorKind::internal, std::string("This build has no generation kernels for ") +
                                       pairs::name_of(level) + ".");
}

}  // namespace semcodec::generate
