#pragma once
// Base layer: the base pictures of one clip at one operating point, as the encoder's own coder
// makes them, kept beside the clip's frame store for the training of the restorer.
//
//   NAME.frames       the source (frame_store.h)
//   NAME-K.base       layer K, from 0: one AV1 unit for each coded frame (some 10 kB a layer)
//   NAME-K.pictures   the same decoded: a frame store of RGB pictures at the base's size
//
// `semcodec-train prepare --base N` writes the units, `--expand` the pictures, from which alone the
// training reads: it needs no decoder. A file is never changed once it has its name, so that a
// training may map it.
//
// Layout of NAME-K.base (little-endian): "SEMBASE" and a zero byte, u32 version (1), u32 coded
// width, u32 coded height, u32 width, u32 height, u32 quantiser, u32 interval, u32 first frame, u32
// pictures, zeros up to byte 64; then for each picture u32 length and so many bytes: a temporal
// unit without its delimiter.

#include <cstdint>
#include <string>
#include <vector>

namespace semcodec {

/// How a clip is coded, and which of its frames.
struct BasePlan {
  int coded_width = 0;  ///< of the frame store
  int coded_height = 0;
  int width = 0;  ///< of the base pictures: even, from 16 to the coded size
  int height = 0;
  int quantiser = 0;  ///< 0 to 63
  int interval = 1;   ///< frames of the store from one picture to the next, at least 1
  int first = 0;      ///< frame of the first picture
  int pictures = 0;   ///< at least 1

  double scale() const { return static_cast<double>(width) / coded_width; }
  /// Frame of the store that picture `index` shows.
  std::int64_t frame(std::int64_t index) const { return first + index * interval; }

  bool operator==(const BasePlan&) const = default;
};

struct BaseLayer {
  BasePlan plan;
  std::vector<std::vector<std::uint8_t>> units;  ///< plan.pictures of them, none empty
};

/// Writes the file, which appears when it is complete. Throws Error(output).
void write_base_layer(const std::string& path, const BaseLayer& layer);

/// Throws Error(input) when the file cannot be read, Error(corrupt) naming it when it is not a
/// sound base layer. Every size is checked against the file's before memory is taken.
BaseLayer read_base_layer(const std::string& path);
/// The plan alone; the units are checked all the same.
BasePlan read_base_plan(const std::string& path);

/// Paths of the layers of a frame store, "…/NAME-0.base" first. Layers are numbered without gaps.
std::string base_layer_path(const std::string& frames_path, int index);
std::vector<std::string> base_layers_of(const std::string& frames_path);
/// NAME-K.pictures of NAME-K.base.
std::string pictures_path(const std::string& base_path);

}  // namespace semcodec
