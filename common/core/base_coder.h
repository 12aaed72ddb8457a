#pragma once
// The encoder of base pictures as the sender sees it: a conventional video encoder behind a small
// interface, so that what decides about pictures does without the codec's library.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/core/image.h"

namespace semcodec {

struct BaseCoderOptions {
  int width = 0;  ///< of the coded pictures; even
  int height = 0;
  double rate = 8;  ///< pictures a second, about; steers the lengths of the encoder's groups
  int look_ahead =
      35;          ///< pictures; 0: every picture's unit is there at once, no hidden references
  int effort = 3;  ///< libaom's cpu-used: 0 (slow, small) to 9
};

/// From one key frame to the end: a later key frame, or another size, takes a new coder.
class BaseCoder {
 public:
  virtual ~BaseCoder() = default;

  /// The next picture, of any size (reduced to width × height); `quantiser` 0 to 63 holds for the
  /// pictures that are coded from now on.
  virtual void push(const RgbImage& picture, int quantiser) = 0;
  /// No more pictures come: what waits in the look-ahead is coded.
  virtual void finish() = 0;
  /// Units in the order of the pictures, one each; nothing as long as the next one waits for later
  /// pictures.
  virtual std::optional<std::vector<std::uint8_t>> pop() = 0;
};

/// A decoder of the units that one coder wrote, in their order: unit, width and height to picture.
using DecodeBase = std::function<RgbImage(std::span<const std::uint8_t>, int, int)>;
using MakeBaseDecoder = std::function<DecodeBase()>;

/// Throws Error(unsupported) when the codec refuses the options.
using MakeBaseCoder = std::function<std::unique_ptr<BaseCoder>(const BaseCoderOptions&)>;

}  // namespace semcodec
