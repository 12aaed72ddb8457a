#pragma once
// Base pictures: a low-resolution video coded by AV1, one temporal unit for each coded frame.
//
// Encoding is libaom's own interface, because the quantiser changes from picture to picture, which
// libavcodec's wrapper does not offer. Decoding is libavcodec's (dav1d). AV1 decodes to the same
// integers everywhere. Pictures are YUV 4:2:0, BT.709, limited range; the temporal delimiters are
// left out, since records delimit already.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/core/base_coder.h"
#include "common/core/image.h"

namespace semcodec {

/// An AV1 encoder of base pictures by libaom; pictures are reduced by Lanczos. Throws
/// Error(unsupported) when libaom refuses the options.
std::unique_ptr<BaseCoder> make_base_coder(const BaseCoderOptions& options);

/// Decodes the units of one stream in their order. Any entry point may follow any unit.
class BaseDecoder {
 public:
  /// Throws Error(unsupported) when this build of libav has no AV1 decoder.
  BaseDecoder();
  ~BaseDecoder();
  BaseDecoder(BaseDecoder&&) noexcept;
  BaseDecoder& operator=(BaseDecoder&&) noexcept;

  /// The picture of a unit. Throws Error(corrupt) when it does not decode to one picture of
  /// width × height; the decoder is then at rest until the next unit with a key frame.
  RgbImage decode(std::span<const std::uint8_t> unit, int width, int height);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A BaseDecoder as a function, for encoders that look at what they coded.
DecodeBase make_decode_base();

/// Name and version of the AV1 encoder and decoder, for --version.
std::string base_codec_versions();

}  // namespace semcodec
