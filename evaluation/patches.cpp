#include "evaluation/patches.h"

namespace semcodec {

std::vector<PatchPlace> patch_places(int width, int height) {
  std::vector<PatchPlace> places;
  for (const int start : {0, kPatchShift}) {
    for (int y = start; y + kPatchSide <= height; y += kPatchSide) {
      for (int x = start; x + kPatchSide <= width; x += kPatchSide) places.push_back({x, y});
    }
  }
  return places;
}

}  // namespace semcodec
