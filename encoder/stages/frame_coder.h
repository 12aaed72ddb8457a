#pragma once
// Last stage of the semantic encoder, in the worker's thread: from an analysed frame to its planes
// at the present quality, so that they fit where room is limited.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/entropy/frame_coder.h"
#include "encoder/core/settings.h"
#include "encoder/stages/analysed_frame.h"
#include "encoder/stages/intra_choice.h"
#include "semcodec/units.h"

namespace semcodec {

struct FrameCoderOptions {
  Profile profile = Profile::semantic;
  int coded_width = 0, coded_height = 0;
  Rational time_base{1, 1000};  ///< seconds a pts unit
  PointOverrides overrides;     ///< laid over every operating point
  KeyCodec key_codec;           ///< empty: no intra pictures
};

struct CodedFrame {
  SemanticFrame frame;
  double quality = 0;            ///< that it has in the end
  std::optional<KeyReport> key;  ///< where its intra picture was chosen by content
};

/// One thread at a time.
class FrameCoder {
 public:
  /// Texture planes, `channels` at most, that say what the other planes of the frame leave out.
  using Texture =
      std::function<std::vector<Plane>(const RgbImage&, const SemanticFrame&, int channels)>;

  /// `bits` says what planes would cost now; it outlives the coder. `clustering`: see
  /// ColourAnalyser. Without `texture` no texture planes are sent.
  FrameCoder(FrameCoderOptions options, double quality, const FrameEncoder& bits,
             KMeansReference clustering, Texture texture);

  /// Of the frames from now on, 0..100.
  void set_quality(double quality);
  double quality() const { return quality_; }
  /// What that stands for, overrides included.
  const OperatingPoint& point() const { return point_; }

  /// Codes a frame. Where `room` is too small the quality falls, and stays there.
  CodedFrame code(const AnalysedFrame& frame);

 private:
  OperatingPoint point_at(double quality) const;
  void choose_vectors(SemanticFrame& out, const AnalysedFrame& frame) const;
  void choose_structure(SemanticFrame& out, const StructureMap& lines) const;
  void describe(const AnalysedFrame& frame, CodedFrame& coded);
  void add_intra_picture(const AnalysedFrame& frame, CodedFrame& coded);
  void fit(const AnalysedFrame& frame, CodedFrame& coded, const ColourAnalyser& before);
  double record_bits(const SemanticFrame& frame) const;

  FrameCoderOptions options_;
  const FrameEncoder& bits_;
  KMeansReference clustering_;
  Texture texture_;
  double quality_;
  OperatingPoint point_;
  ColourAnalyser colour_;
  std::optional<KeyTrial> trial_;  ///< of the entry point in hand
};

}  // namespace semcodec
