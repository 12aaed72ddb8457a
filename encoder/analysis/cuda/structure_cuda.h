#pragma once
// Thinning and pooling of edge maps on the GPU: the same numbers as encoder/analysis/structure.h,
// bit for bit. Connected lines (hysteresis, shortest length) stay the CPU's work.
//
// Lives in a shared module of its own (libsemcodec_structure_cuda) that links the CUDA run time and
// nothing else, so that programs start, and build, on machines without CUDA.

#include <memory>
#include <string>
#include <vector>

#include "encoder/analysis/edge_map.h"
#include "encoder/analysis/pooling.h"

namespace semcodec::cuda {

/// Whether a usable device is present; otherwise `reason` says why not.
bool structure_available(std::string* reason = nullptr);

enum class Precision { float32, float16, bfloat16 };

/// height rows of width values.
struct EdgeMapView {
  const void* values = nullptr;
  Precision precision = Precision::float32;
  int width = 0, height = 0;
  bool on_device = false;  ///< in the memory of the device, written by work that has ended
};

/// A GPU that thins, with a stream and memory of its own, which grow with the maps: calls disturb
/// no other work there, a recording of a graph by another thread included. Calls of one object must
/// not overlap. All throw Error(device) when the device fails.
class StructureDevice {
 public:
  explicit StructureDevice(int device = 0);
  ~StructureDevice();
  StructureDevice(const StructureDevice&) = delete;
  StructureDevice& operator=(const StructureDevice&) = delete;

  /// As semcodec::thin_edges.
  std::vector<float> thin_edges(const EdgeMapView& map, float floor = 0);

  /// The same if `thin`, else the map's values as they are.
  std::vector<float> lines(const EdgeMapView& map, bool thin, float floor);

  /// As semcodec::pool_cells of the lines, which do not leave the device.
  std::vector<float> pool_cells(const EdgeMapView& map, bool thin, float floor, int columns,
                                int rows, Pooling pooling);

  /// Seconds that the kernels take, the mean of `repeats` in a row: for benchmarks, with a map on
  /// the device.
  struct Seconds {
    double thinning = 0, pooling = 0;
  };
  Seconds time(const EdgeMapView& map, int columns, int rows, int repeats);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Seen by map_structure(); device and values have to outlive it.
class DeviceEdgeMap : public EdgeMap {
 public:
  DeviceEdgeMap(const EdgeMapView& view, StructureDevice& device)
      : EdgeMap(view.width, view.height), view_(view), device_(device) {}

  std::vector<float> lines(bool thin, float floor) const override {
    return device_.lines(view_, thin, floor);
  }
  std::vector<float> cells(bool thin, float floor, int columns, int rows,
                           Pooling pooling) const override {
    return device_.pool_cells(view_, thin, floor, columns, rows, pooling);
  }

 private:
  EdgeMapView view_;
  StructureDevice& device_;
};

}  // namespace semcodec::cuda
