#pragma once
// BSDS500's annotations in MATLAB's file format, level 5.
//
// A file holds `groundTruth`, a cell for each annotator, each a structure with the matrix
// `Boundaries` of 0 and 1 (and `Segmentation`, which is not looked at). Format: "MAT-File Format",
// The MathWorks, R2023a, chapter 1. Elements may be compressed by zlib.

#include <cstdint>
#include <string>
#include <vector>

namespace semcodec {

struct MeanAnnotation {
  int width = 0, height = 0;
  std::vector<std::uint8_t> share;  ///< of annotators, 0..255, row by row
};

/// Throws Error(input) naming the file when it holds no such annotations, when they differ in size,
/// or when it is damaged.
MeanAnnotation read_mat_annotation(const std::string& path);

}  // namespace semcodec
