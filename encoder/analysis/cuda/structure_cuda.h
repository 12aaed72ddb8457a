#pragma once
// Thinning and pooling of edge maps on the GPU: the same numbers as encoder/analysis/structure.h,
// bit for bit. Connected lines (hysteresis, shortest length) stay the CPU's work.
//
// Lives in a shared module of its own (libsemcodec_structure_cuda) that links the CUDA run time and
// nothing else, so that programs start, and build, on machines without CUDA.

#include <string>
#include <vector>

#include "encoder/analysis/pooling.h"

namespace semcodec::cuda {

/// Whether a usable device is present; otherwise `reason` says why not.
bool structure_available(std::string* reason = nullptr);

enum class Precision { float32, float16, bfloat16 };

/// height rows of width values, in the memory of host or device.
struct EdgeMapView {
  const void* values = nullptr;
  Precision precision = Precision::float32;
  int width = 0, height = 0;
};

/// As semcodec::thin_edges. Throws Error(device) when the device fails.
std::vector<float> thin_edges(const EdgeMapView& map, float floor = 0);

/// As semcodec::pool_cells of the map, thinned if `thin`; the lines between do not leave the
/// device.
std::vector<float> pool_cells(const EdgeMapView& map, bool thin, float floor, int columns, int rows,
                              Pooling pooling);

}  // namespace semcodec::cuda
