#pragma once
// Apart from structure.h, so that CUDA sources, which are C++17, can include it.

namespace semcodec {

/// How the pixels of a cell become one number.
enum class Pooling { max, mean };

}  // namespace semcodec
