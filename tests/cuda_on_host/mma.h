#pragma once
// Products of 16 x 16 matrices by a warp, for the CPU. A lane holds eight neighbouring elements of
// each matrix; on a GPU it is not said which, so no kernel may know.

#include <array>
#include <cstddef>

#include "tests/cuda_on_host/block.h"

namespace nvcuda::wmma {

struct matrix_a {};
struct matrix_b {};
struct accumulator {};
struct row_major {};
struct col_major {};
enum layout_t { mem_row_major, mem_col_major };

constexpr int kSide = 16, kElements = kSide * kSide / static_cast<int>(cuda_on_host::kLanes);

template <typename Use, int M, int N, int K, typename T, typename Layout = void>
struct fragment {
  static_assert(M == kSide && N == kSide && K == kSide);
  std::array<T, kElements> x;
};

/// Row and column of a lane's element.
struct Place {
  explicit Place(int element) {
    const int lane = static_cast<int>(cuda_on_host::thread_rank() % cuda_on_host::kLanes);
    row = (lane * kElements + element) / kSide;
    column = (lane * kElements + element) % kSide;
  }
  int row, column;
};

template <typename Fragment, typename T>
void fill_fragment(Fragment& fragment, T value) {
  fragment.x.fill(value);
}

template <typename Use, typename T>
void load_matrix_sync(fragment<Use, 16, 16, 16, T, row_major>& to, const T* from, unsigned pitch) {
  for (int e = 0; e < kElements; ++e) {
    const Place at(e);
    to.x[static_cast<std::size_t>(e)] = from[at.row * static_cast<int>(pitch) + at.column];
  }
}

template <typename Use, typename T>
void load_matrix_sync(fragment<Use, 16, 16, 16, T, col_major>& to, const T* from, unsigned pitch) {
  for (int e = 0; e < kElements; ++e) {
    const Place at(e);
    to.x[static_cast<std::size_t>(e)] = from[at.column * static_cast<int>(pitch) + at.row];
  }
}

template <typename T>
void store_matrix_sync(T* to, const fragment<accumulator, 16, 16, 16, T>& from, unsigned pitch,
                       layout_t layout) {
  for (int e = 0; e < kElements; ++e) {
    const Place at(e);
    const int row = layout == mem_row_major ? at.row : at.column;
    const int column = layout == mem_row_major ? at.column : at.row;
    to[row * static_cast<int>(pitch) + column] = from.x[static_cast<std::size_t>(e)];
  }
}

/// d = a b + c.
template <typename T, typename LayoutA, typename LayoutB>
void mma_sync(fragment<accumulator, 16, 16, 16, float>& d,
              const fragment<matrix_a, 16, 16, 16, T, LayoutA>& a,
              const fragment<matrix_b, 16, 16, 16, T, LayoutB>& b,
              const fragment<accumulator, 16, 16, 16, float>& c) {
  struct Scratch {
    float a[kSide][kSide], b[kSide][kSide];
  };
  static Scratch scratch[32];  // of a block's warps
  Scratch& mine = scratch[cuda_on_host::thread_rank() / cuda_on_host::kLanes];
  for (int e = 0; e < kElements; ++e) {
    const Place at(e);
    mine.a[at.row][at.column] = static_cast<float>(a.x[static_cast<std::size_t>(e)]);
    mine.b[at.row][at.column] = static_cast<float>(b.x[static_cast<std::size_t>(e)]);
  }
  cuda_on_host::wait_for_warp();
  for (int e = 0; e < kElements; ++e) {
    const Place at(e);
    float sum = c.x[static_cast<std::size_t>(e)];
    for (int k = 0; k < kSide; ++k) sum += mine.a[at.row][k] * mine.b[k][at.column];
    d.x[static_cast<std::size_t>(e)] = sum;
  }
  cuda_on_host::wait_for_warp();
}

}  // namespace nvcuda::wmma
