#pragma once
// One picture coded by an ordinary intra codec: the intra pictures kept as intra picture memory.
//
// The bytes are a complete access unit with its headers in band (Annex B for h264 and hevc, a
// temporal unit of OBUs for av1), stripped of encoder signatures. YUV 4:2:0, BT.709, full range.
// Pictures are padded to even sizes of at least 64 by repeating the border; the decoder crops.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/core/image.h"

namespace semcodec {

/// True when this build of libav can encode `codec` ("hevc", "av1", "h264").
bool can_encode_intra(const std::string& codec);
bool can_decode_intra(const std::string& codec);

/// `fast` takes about a tenth of the time of `best` with AV1, for nearly the same size and quality:
/// for trials. The other codecs know one effort.
enum class IntraEffort { fast, best };

/// `quality` is 0 (smallest) … 100 (best), spread evenly over the codec's quantiser range.
/// Throws Error(unsupported) when libav lacks the encoder.
std::vector<std::uint8_t> encode_intra(const RgbImage& image, const std::string& codec, int quality,
                                       IntraEffort effort = IntraEffort::best);

/// Throws Error(corrupt) when the bytes do not decode to a picture of width x height,
/// Error(unsupported) when libav lacks the decoder.
RgbImage decode_intra(std::span<const std::uint8_t> bytes, const std::string& codec, int width,
                      int height);

}  // namespace semcodec
