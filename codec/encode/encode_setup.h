#pragma once
// What is decided before the first picture is coded: model, device, profile, operating point.

#include <memory>
#include <string>

#include "codec/encode/rate_request.h"
#include "encoder/core/encoder.h"
#include "encoder/rate/rate_model.h"
#include "models/package/model_package.h"
#include "semcodec/encoder.h"

namespace semcodec {

struct EncodeSetup {
  ModelPackage package;
  torch::Device device = torch::kCPU;
  StreamInfo info;
  VideoFormat video;
  RateRequest rate;
  EncoderOptions options;  ///< without a rate control
  bool low_delay = false;

  std::unique_ptr<Encoder> make_encoder(const EncoderOptions& options, StreamWriter& writer) const;
  RateModel rate_model() const;
  /// The control of a lone pass; null without a target. Throws Error(usage) when a size is asked
  /// for and the duration is unknown.
  std::shared_ptr<RateControl> one_pass_control() const;
};

/// Also makes torch's settings, so it comes before the first network. `count_audio`: audio records
/// count towards a target.
EncodeSetup prepare_encoding(const StreamEncoderOptions& options, const VideoFormat& video,
                             const RateRequest& rate, bool count_audio);

}  // namespace semcodec
