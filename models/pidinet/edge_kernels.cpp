#include "models/pidinet/edge_kernels.h"

#include "common/core/error.h"

namespace semcodec::pairs {

Sheet::Sheet(int width, int height)
    : stride((width + kSpan - 1) / kSpan * kSpan + 2),
      values(static_cast<std::size_t>(stride * (height + 2) + 2 * kSpan)) {}

const EdgeKernels& edge_kernels(Level level) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  switch (level) {
    case Level::avx2:
      return avx2::kEdgeKernels;
    case Level::avx512:
      return avx512::kEdgeKernels;
    case Level::avx512bf16:
      return avx512bf16::kEdgeKernels;
  }
#endif
  throw Error(ErrorKind::internal,
              std::string("This build has no edge kernels for ") + name_of(level) + ".");
}

}  // namespace semcodec::pairs
